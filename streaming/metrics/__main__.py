"""`python -m streaming.metrics > docs/metrics.md`: writes the page about all declared metrics."""

import sys
from collections.abc import Iterable

from streaming.metrics import catalogue
from streaming.metrics.kinds import Histogram, Label, Metric

HEAD = """\
# Metrics

Generated from `streaming/metrics/catalogue.py` by `python -m streaming.metrics > docs/metrics.md`; a test
keeps it up to date. No label contains data from a message. Each process also exports the `process_…` metrics
of the Prometheus client library.
"""
OF_STAGES = """
## Metrics of each stage

At `/metrics` on `VITRINE_METRICS_PORT`, which the local stack sets for gate, store and index
(`./vitrine status` shows the addresses). All counters start at 0 with the process.
"""
OF_WATCH = """
## Metrics of the monitor

The monitor (service `watch`, `python -m streaming.monitor`) probes every component, because a dead stage
cannot report about itself. Each probe fails alone, and makes new clients before it tries again; a probe
without an answer within 20 s counts as failed. The page "Health" in Airflow draws the results of the last
half hour.
"""


def page() -> str:
    """Returns the text of docs/metrics.md."""
    return HEAD + OF_STAGES + _table(catalogue.OF_STAGES) + OF_WATCH + _table(catalogue.OF_WATCH)


def _table(metrics: Iterable[Metric]) -> str:
    rows = [("metric", "kind", "labels", "meaning"), ("---",) * 4, *map(_row, metrics)]
    return "\n".join(["", *(f"| {' | '.join(row)} |" for row in rows), ""])


def _row(metric: Metric) -> tuple[str, ...]:
    return f"`{metric.name}`", type(metric).__name__.lower(), _labels(metric.labels), _meaning(metric)


def _labels(labels: Iterable[Label]) -> str:
    return "; ".join(
        f"`{label.name}`: {label.meaning}" + (f" ({', '.join(label.values)})" if label.values else "")
        for label in labels
    )


def _meaning(metric: Metric) -> str:
    if not isinstance(metric, Histogram):
        return metric.meaning
    return f"{metric.meaning}. Bounds: {', '.join(f'{bound:g}' for bound in metric.buckets)}"


if __name__ == "__main__":
    sys.stdout.write(page())
