"""`python -m streaming.metrics > docs/metrics.md`: the declared metrics as a page."""

import sys
from collections.abc import Iterable

from streaming.metrics import catalogue
from streaming.metrics.kinds import Histogram, Label, Metric

HEAD = """\
# Metrics

Generated from `streaming/metrics/catalogue.py` by `python -m streaming.metrics > docs/metrics.md`; a test
keeps it up to date. No label holds what a message said. Each process also exports the `process_…` metrics of
Prometheus' own client.
"""
OF_STAGES = """
## What each stage reports itself

At `/metrics` on `VITRINE_METRICS_PORT`, which the local stack sets for gate, store and index
(`./vitrine status` shows the addresses). All count from the start of the process.
"""
OF_WATCH = """
## What the monitor sees

The monitor (service `watch`, `python -m streaming.monitor`) asks every component, because a dead stage cannot
report about itself. Each probe fails alone, and makes its clients anew before it asks again; one that has no
answer within 20 s counts as failed. The page "Health" in Airflow draws what was seen in the last half hour.
"""


def page() -> str:
    """All of docs/metrics.md."""
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
