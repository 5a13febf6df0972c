"""What lies where in the data folder, which batch jobs, pages and commands share. Standard library alone."""

from dataclasses import dataclass
from pathlib import Path

METRICS, RUN, TRUSTED = "metrics.json", "run.json", "trusted.json"
"""Of a training's folders: the private metrics and the DAG run in models/<run>, all exact figures in
trusted/<run>. Models carry their own file names (ml.models.model_store)."""


@dataclass(frozen=True)
class DataLayout:
    """The files below `root`. None of the folders need be there yet."""

    root: Path

    @property
    def extract(self) -> Path:
        """Parquet files of valid sessions, named after what they hold (streaming.extraction.windows)."""
        return self.root / "extracts" / "sessions"

    @property
    def similar_users(self) -> Path:
        """What `similar_users` found last, as JSON Lines, on its way into MongoDB."""
        return self.root / "similar_users.jsonl"

    @property
    def models(self) -> Path:
        """Released artifacts, a folder for each run of `private_models`; differentially private."""
        return self.root / "models"

    @property
    def trusted(self) -> Path:
        """What belongs to them and is not private, likewise: readable by its owner alone."""
        return self.root / "trusted"

    @property
    def unreleased(self) -> Path:
        """Attempts at trainings whose release the privacy ledger has not recorded yet: the owner's alone."""
        return self.root / "unreleased"

    @property
    def reports(self) -> Path:
        """Pages with their data: <run>.html, .json and .csv."""
        return self.root / "reports"

    @property
    def last_verdict(self) -> Path:
        """What `reconcile` found last."""
        return self.root / "reconcile.json"

    @property
    def import_spill(self) -> Path:
        """Where a file import puts what does not fit into memory."""
        return self.root / "spill"

    def simulated_until(self, topic_prefix: str) -> Path:
        """How far simulated time has come on the topics with this prefix."""
        return self.root / f"{topic_prefix}simulated-until.json"
