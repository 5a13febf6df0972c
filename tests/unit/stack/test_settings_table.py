"""Settings as people see them: by their variables, and without what is secret."""

import pytest
from pydantic import ValidationError

from stack.settings import StackSettings
from stack.settings_table import refused, rows
from streaming.settings import KafkaSettings


def test_a_wrong_setting_is_named_by_its_variable_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_PORT_OFFSET", "hunter2")
    with pytest.raises(ValidationError) as raised:
        StackSettings()
    (line,) = refused(raised.value)
    assert line.startswith("VITRINE_PORT_OFFSET: ")
    assert "hunter2" not in line + str(raised.value)


def test_every_settings_class_hides_what_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_KAFKA_PARTITIONS", "hunter2")
    with pytest.raises(ValidationError) as raised:
        KafkaSettings()
    assert "hunter2" not in str(raised.value)


def test_a_secret_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGO_URI", "mongodb://someone:hunter2@127.0.0.1:27117")
    table = {row["variable"]: row["value"] for row in rows()}
    assert table["MONGO_URI"] == "**********"
    assert "hunter2" not in str(table)


def test_the_table_has_the_settings_of_nested_packages_and_of_no_base_class() -> None:
    variables = {row["variable"] for row in rows()}
    assert {"VITRINE_STORE_BATCH_SIZE", "VITRINE_INDEX_LINGER_MS"} <= variables
    assert all(variable.startswith(("VITRINE_", "MONGO_")) for variable in variables)
