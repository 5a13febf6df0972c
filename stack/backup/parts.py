"""All that a backup holds: what cannot be made again from the log. The order is that in which it is saved.

Collections before the files that they name: a model's files are there before its entry in the registry.
"""

from functools import partial
from pathlib import Path

from ml.budget.mongo import ACCOUNTS, RECORDS, stored_ledger
from ml.budget.settings import BudgetSettings
from stack.backup.erasures_part import ErasuresPart
from stack.backup.folder_part import FolderPart, SqlitePart
from stack.backup.index_part import IndexPart
from stack.backup.ledger_part import LedgerPart
from stack.backup.mongo_part import MongoPart
from stack.backup.part import Part
from stack.components import airflow
from stack.service import StackContext
from streaming.access_record.file import os_user, stored_record
from streaming.person.erasure_list import stored_list
from streaming.settings import DataSettings, ElasticsearchSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import client

OF_THE_LEDGER = frozenset({ACCOUNTS, RECORDS})
GENERATED = (
    "passwords",
    "airflow-fernet",
    "airflow-api",
    "airflow-jwt",
    "airflow-passwords.json",
    "flink/keys",
)
"""Keys and secrets in the folder `run`, which are not made again as they were."""


def parts(place: StackContext) -> tuple[Part, ...]:
    """Returns the parts of this checkout, with the settings of the environment variables."""
    mongo, data, budget = MongoSettings(), DataSettings().layout, BudgetSettings()
    database, ledger_folder, who = client(mongo)[mongo.database], budget.ledger_dir or data.ledger, os_user()
    return (
        MongoPart("mongodb", database, lambda name: name not in OF_THE_LEDGER),
        LedgerPart(
            "ledger",
            MongoPart("ledger", database, lambda name: name in OF_THE_LEDGER),
            ledger_folder,
            budget.ledger_key.get_secret_value().encode() if budget.ledger_key else None,
            stored_ledger(),
            who.removeprefix("os:"),
            lambda what: stored_record().add(who, "budget change", what, why="restored from a backup"),
        ),
        IndexPart("elasticsearch", ElasticsearchIndex(ElasticsearchSettings())),
        SqlitePart("airflow", place.layout.airflow, airflow.DATABASE, partial(_migrate_again, place)),
        ErasuresPart(stored_list()),
        *folder_parts(place),
    )


def folder_parts(place: StackContext) -> tuple[FolderPart, ...]:
    """Returns those parts that are folders."""
    data = DataSettings().layout
    ledger_folder = BudgetSettings().ledger_dir or data.ledger
    return (
        # Without the outer link and the erasure list, which outlive every restore, and what imports spill.
        FolderPart(
            "data",
            data.root,
            but=_names_in(data.root, ledger_folder, data.ledger, data.import_spill, data.erasures),
        ),
        FolderPart("secrets", place.layout.run, only=GENERATED, tells_present=False),
    )


def not_held(place: StackContext) -> list[str]:
    """Returns what no backup of this checkout holds, and what to do about it."""
    told = ["Kafka's log: it is what all else is rebuilt from. Keep it on a disk of its own, or replicated"]
    if "airflow" in place.external:
        told.append("Airflow's metadata, which you run elsewhere: back up its database with its own tools")
    return told


def _names_in(root: Path, *paths: Path) -> tuple[str, ...]:
    inside = (path for path in map(Path.absolute, paths) if path.is_relative_to(root.absolute()))
    return tuple(path.relative_to(root.absolute()).parts[0] for path in inside if path != root.absolute())


def _migrate_again(place: StackContext) -> None:
    """The database may be of an older Airflow: the next start migrates it."""
    (place.layout.run / airflow.MIGRATED_TO).unlink(missing_ok=True)
