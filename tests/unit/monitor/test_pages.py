"""The HTTP pages of the monitor."""

from collections.abc import Callable
from wsgiref.util import setup_testing_defaults

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.monitor.probe_history import ProbeHistory, Recent
from streaming.monitor.server import application


def asked(history: ProbeHistory, path: str) -> tuple[str, str]:
    environ: dict[str, object] = {}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = path
    statuses: list[str] = []

    def start_response(status: str, headers: object, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda _: None

    body = application(history)(environ, start_response)
    return statuses[0], b"".join(body).decode()


def test_metrics_lack_what_stages_report_themselves_and_the_page_has_all() -> None:
    history = ProbeHistory(1_000, lambda: 5)
    history.record("redis", [Reading(catalogue.DISTINCT_USERS, 9)])
    history.record("stages", [Reading(catalogue.OUTCOMES, 3, {"outcome": "valid"})])
    history.record("services", [Reading(catalogue.SERVICE_STARTS, 2, {"service": "gate"})])
    status, text = asked(history, "/metrics")
    found = {f.name: [s.value for s in f.samples] for f in text_string_to_metric_families(text)}
    assert status == "200 OK"
    assert found["vitrine_distinct_users"] == [9]
    assert found["vitrine_service_starts"] == [2]
    assert "vitrine_outcomes" not in found
    recent = msgspec.json.decode(asked(history, "/recent")[1], type=Recent)
    assert {one.metric: one.value for one in recent.readings}["vitrine_outcomes_total"] == 3
    assert [(one.of, one.points) for one in recent.plots] == [("valid", [(5, 3)])]
    assert asked(history, "/elsewhere")[0] == "404 Not Found"
