"""What the watch serves."""

from wsgiref.util import setup_testing_defaults

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.monitor.probe_history import ProbeHistory, Recent
from streaming.monitor.server import application


def asked(board: ProbeHistory, path: str) -> tuple[str, str]:
    environ: dict[str, object] = {}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = path
    told: list[str] = []
    body = application(board)(environ, lambda status, headers, *_: told.append(status) or (lambda _: None))  # type: ignore[func-returns-value]
    return told[0], b"".join(body).decode()


def test_prometheus_gets_what_no_stage_tells_and_the_page_gets_all() -> None:
    board = ProbeHistory(1_000, lambda: 5)
    board.saw("redis", [Reading(catalogue.DISTINCT_USERS, 9)])
    board.saw("stages", [Reading(catalogue.OUTCOMES, 3, {"outcome": "valid"})])
    board.saw("services", [Reading(catalogue.SERVICE_STARTS, 2, {"service": "gate"})])
    status, text = asked(board, "/metrics")
    found = {f.name: [s.value for s in f.samples] for f in text_string_to_metric_families(text)}
    assert status == "200 OK"
    assert found["vitrine_distinct_users"] == [9]
    assert found["vitrine_service_starts"] == [2]
    assert "vitrine_outcomes" not in found
    recent = msgspec.json.decode(asked(board, "/recent")[1], type=Recent)
    assert {one.metric: one.value for one in recent.readings}["vitrine_outcomes_total"] == 3
    assert [(one.of, one.points) for one in recent.plots] == [("valid", [(5, 3)])]
    assert asked(board, "/elsewhere")[0] == "404 Not Found"
