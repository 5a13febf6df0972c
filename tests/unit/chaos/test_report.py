"""The report of the chaos test, and when it holds."""

from lab.chaos.arguments import DETAILS
from lab.chaos.outage_effect import MOST_RESIDENT_BYTES, OutageEffect
from lab.chaos.report import Report


def judged() -> Report:
    return Report(events=100, seed=1, through="gate", judged=True)


def test_it_holds_only_if_checked_without_findings_and_not_void() -> None:
    assert judged().holds
    assert not Report(events=100, seed=1, through="gate").holds
    lost, void = judged(), judged()
    lost.findings.is_lost("raw 0:7")
    void.void.append("kill 3 came with 12 unacknowledged")
    assert not lost.holds
    assert not void.holds


def test_an_outage_that_filled_a_stage_does_not_hold() -> None:
    report = judged()
    report.outage = OutageEffect("redis", 120, "gone", resident_most={"gate": MOST_RESIDENT_BYTES})
    assert report.holds
    report.outage.resident_most["gate"] += 1
    assert not report.holds


def test_every_key_is_documented() -> None:
    report = judged()
    report.outage = OutageEffect("redis", 120, "gone")
    outage = report.as_json()["outage"]
    for key in (*report.as_json(), *outage):
        assert f'"{key}"' in DETAILS, key
