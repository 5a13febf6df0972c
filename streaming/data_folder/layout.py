"""Paths in the data folder that batch jobs, pages and commands share. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

METRICS, RUN, TRUSTED = "metrics.json", "run.json", "trusted.json"
"""File names in a training's folders: private metrics and DAG run in models/<run>, all exact figures in
trusted/<run>. ml.models.model_store defines the names of model files."""


@dataclass(frozen=True)
class DataLayout:
    """The paths below `root`. The folders need not exist yet."""

    root: Path

    @property
    def extract(self) -> Path:
        """Parquet files of valid sessions, named after their windows (streaming.extraction.windows)."""
        return self.root / "extracts" / "sessions"

    @property
    def similar_users(self) -> Path:
        """The last result of `similar_users` as JSON Lines, before it is loaded into MongoDB."""
        return self.root / "similar_users.jsonl"

    @property
    def models(self) -> Path:
        """Released artifacts, one folder per run of `private_models`; differentially private."""
        return self.root / "models"

    @property
    def trusted(self) -> Path:
        """Files of the same runs that are not private, one folder per run; only their owner can read them."""
        return self.root / "trusted"

    @property
    def unreleased(self) -> Path:
        """Artifacts whose release the privacy ledger has not recorded yet; only their owner can read them."""
        return self.root / "unreleased"

    @property
    def reports(self) -> Path:
        """Pages with their data: <run>.html, .json and .csv."""
        return self.root / "reports"

    @property
    def last_verdict(self) -> Path:
        """The last verdict of `reconcile`."""
        return self.root / "reconcile.json"

    @property
    def accesses(self) -> Path:
        """Who looked at whom, one file a month, and the key of its hashes; only their owner can read them
        (streaming.access_record)."""
        return self.root / "accesses"

    @property
    def erasures(self) -> Path:
        """The erasure list; only its owner can read it (streaming.person.erasure_list)."""
        return self.root / "erasures"

    @property
    def ledger(self) -> Path:
        """The privacy ledger's outer link and key; only their owner can read them (ml.budget.outer_file)."""
        return self.root / "ledger"

    @property
    def import_spill(self) -> Path:
        """Temporary files of imports, for data that does not fit into memory."""
        return self.root / "spill"

    def simulated_until(self, topic_prefix: str) -> Path:
        """The end of the last simulated traffic on the topics with this prefix."""
        return self.root / f"{topic_prefix}simulated-until.json"
