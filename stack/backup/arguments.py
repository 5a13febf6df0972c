"""Arguments and help of `./vitrine backup` and `./vitrine restore`. Standard library only."""

import argparse

BACKUP_DETAILS = """\
Saves all that cannot be made again from Kafka's log: MongoDB with the privacy ledger and the model registry,
what Elasticsearch holds, Airflow's database, extracts, models, reports, the access record, and the generated
keys and passwords. The stack runs on; Kafka, MongoDB and Elasticsearch must run. The backup is read again
before the command says that it is done.

A backup holds personal data and keys. Only its owner can read it; with VITRINE_BACKUP_PASSPHRASE_FILE it is
encrypted too. VITRINE_BACKUP_DIR is the folder, and VITRINE_BACKUP_KEEP how many are kept. The largest is
kept as well while the newest has less than half its size, and may be of a stack that has lost its data; if
nothing was lost, remove it by hand. Kafka's log is not in it, nor the state of Redis and Flink, which follow
from the log.

With --json: {"name", "folder", "encrypted", "seconds", "bytes", "parts": [{"name", "bytes", "sha256",
"left_out": [what, …]}], "removed": [name, …], "largest": the name of the largest, if this one has less
than half its size, or null, "not_held": [what, …]}."""

RESTORE_DETAILS = """\
Restores the newest backup, or NAME. It is read as a whole first, and refused if anything in it is torn or
altered. Where there is data already, says what would be lost, and exits 2 unless --replace is given.

The stores continue in the log where they were when the backup began: after ./vitrine up, everything that the
log has comes back. A restore that was interrupted is completed by ./vitrine restore; before, nothing else
starts. No privacy budget comes back: what may have been charged since the backup counts as spent.

Persons who were erased are erased again, as the log and the lists of all backups in the folder say. If one of
these backups cannot be read, nothing is restored unless --erasures-unknown is given.

With --json: {"name", "made_at", "same_log", "expired": {topic: records}, "parts": {part: what was done},
"seconds", "not_held": [what, …]}; with --check: {"name", "made_at", "parts": [{"name", "bytes", "sha256",
"left_out"}]}. Exits 1 if the backup is torn or altered."""


def add_restore(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine restore`."""
    command.add_argument("name", nargs="?", metavar="NAME", help="which backup (the newest)")
    command.add_argument("--replace", action="store_true", help="although there is data here, which is lost")
    command.add_argument(
        "--erasures-unknown", action="store_true", help="although another backup's erasure list is unreadable"
    )
    command.add_argument(
        "--check", action="store_true", help="only read the backup and say whether it is whole"
    )
