"""The names in the data folder never change: users and older installations depend on them."""

from pathlib import Path

from streaming.data_folder.layout import METRICS, RUN, TRUSTED, DataLayout
from streaming.settings import DataSettings


def test_names_never_change() -> None:
    layout = DataLayout(Path("/data"))
    found = {
        layout.extract,
        layout.similar_users,
        layout.models / "a" / METRICS,
        layout.models / "a" / RUN,
        layout.trusted / "a" / TRUSTED,
        layout.unreleased,
        layout.reports,
        layout.last_verdict,
        layout.import_spill,
        layout.simulated_until("test-"),
    }
    assert {str(path.relative_to("/data")) for path in found} == {
        "extracts/sessions",
        "similar_users.jsonl",
        "models/a/metrics.json",
        "models/a/run.json",
        "trusted/a/trusted.json",
        "unreleased",
        "reports",
        "reconcile.json",
        "spill",
        "test-simulated-until.json",
    }


def test_the_settings_determine_the_folder() -> None:
    assert DataSettings(data_dir=Path("/elsewhere")).layout == DataLayout(Path("/elsewhere"))
