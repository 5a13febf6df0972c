"""By which names the Airflow UI may be asked for."""

import pytest

from streaming.doors.hosts import LOOPBACK, allowed


def test_loopback_names_are_always_allowed() -> None:
    assert allowed("", []) == list(LOOPBACK)
    assert set(LOOPBACK) <= set(allowed("shop.example", ["10.0.0.7"]))


def test_names_are_those_of_the_setting_and_the_address_listened_on() -> None:
    assert allowed(" Shop.example, *.corp.example ,", ["10.0.0.7", "fd00::1"])[3:] == [
        "10.0.0.7",
        "[fd00::1]",
        "shop.example",
        "*.corp.example",
    ]


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::", ""])
def test_listening_everywhere_allows_no_name(everywhere: str) -> None:
    assert allowed("", [everywhere]) == list(LOOPBACK)
