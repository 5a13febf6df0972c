"""The example alerts, judged by Prometheus' own tool: promtool, of Debian's package prometheus."""

import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "docker" / "prometheus"
TESTS = Path(__file__).with_name("alerts_test.yml")


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["native.yml", "compose.yml"])
def test_prometheus_takes_the_configuration_and_its_rules(name: str) -> None:
    assert "rules found" in promtool("check", "config", PROMETHEUS / name)


def test_every_alert_fires_when_it_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", TESTS)


def test_every_alert_is_among_those_tested() -> None:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    tested = {
        case["alertname"]
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert tested == {rule["alert"] for group in groups for rule in group["rules"]}
