"""Every alert has its section in the runbook, and uses declared metrics only."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streaming.contract import topics
from streaming.metrics import catalogue
from streaming.metrics.kinds import Histogram

ROOT = Path(__file__).parents[3]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
HEADINGS = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docker" / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
SERIES = {metric.name for metric in catalogue.ALL if not isinstance(metric, Histogram)} | {
    f"{metric.name}_{part}"
    for metric in catalogue.ALL
    if isinstance(metric, Histogram)
    for part in ("bucket", "sum", "count")
}
LABELS = {metric.name: {label.name: label.values for label in metric.labels} for metric in catalogue.ALL}
every_alert = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def test_the_runbook_has_a_section_for_each_alert_and_for_no_other() -> None:
    alerts = [heading for heading in HEADINGS if heading.startswith("Vitrine")]
    assert sorted(alerts) == sorted(rule["alert"] for rule in RULES)


@every_alert
def test_an_alert_leads_to_its_section_and_says_how_bad_it_is(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("critical", "warning")


@every_alert
def test_an_alert_asks_for_declared_metrics_and_values_only(rule: dict[str, Any]) -> None:
    text = rule["expr"]
    used = set(re.findall(r"\bvitrine_\w+", text))
    assert used or "up{" in text
    assert used <= SERIES
    for name, selectors in re.findall(r"\b(vitrine_\w+)\{([^}]*)\}", text):
        labels = LABELS[re.sub("_(bucket|sum|count)$", "", name)]
        for label, wanted in re.findall(r'(\w+)!?=~?"([^"]*)"', selectors):
            assert label in labels
            assert not labels[label] or set(wanted.split("|")) <= set(labels[label])
    for topic in re.findall(r'topic="(\w+)"', text):
        assert topic in (topics.RAW, topics.VALID, *topics.INDEXED)


def test_links_within_the_runbook_lead_somewhere() -> None:
    # As GitHub makes anchors: lower case, punctuation left out, hyphens for spaces.
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(#([\w-]+)\)", RUNBOOK):
        assert target in anchors
    for target in re.findall(r"\]\(([\w./]+)\)", RUNBOOK):
        assert (ROOT / "docs" / target).exists()


def test_metrics_that_the_runbook_names_are_declared() -> None:
    assert set(re.findall(r"`(vitrine_\w+)`", RUNBOOK)) <= {metric.name for metric in catalogue.ALL}
