"""`./vitrine migrate`."""

import argparse
import json
import time

from rich.console import Console

from streaming.command_failure import carried_out
from streaming.contract import topics
from streaming.contract.topology import STORE
from streaming.data_folder.alone import alone
from streaming.kafka import clients, offsets
from streaming.kafka.key_of_log import require_log_of
from streaming.migrate.documents import migrate_documents
from streaming.migrate.sessions import migrate_sessions
from streaming.person.erasure_list import stored_list
from streaming.person.run import erase_again
from streaming.process.exit_code import ExitCode
from streaming.settings import (
    DataSettings,
    ElasticsearchSettings,
    KafkaSettings,
    MongoSettings,
    PseudonymSettings,
)
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.words.settings import WordSettings

STORED_PATIENCE_S = 600.0
"""How long the store may be behind the log."""


def run(arguments: argparse.Namespace) -> int:
    """Migrates both stores and prints what was done. Returns an ExitCode."""

    def migrate() -> int:
        pseudonyms = PseudonymSettings().pseudonyms
        clients.require(KafkaSettings())
        require_log_of(KafkaSettings(), pseudonyms)
        store, index = MongoSessions(MongoSettings()), ElasticsearchIndex(ElasticsearchSettings())
        store.prepare()
        with (
            Console(stderr=True).status("Waiting for a backup, retention or purge …") as status,
            alone(DataSettings().layout.root),  # a backup that reads pages by id would pass over sessions
        ):
            status.update("Migrating …")
            found = migrate_sessions(
                store, pseudonyms, lambda done: status.update(f"{done:,} sessions migrated …")
            )
            store.drop_earlier_indexes()
            # Before documents are made of them: whom an older backup brought back could not be found so far.
            erased = erase_again(stored_list(), lambda step: status.update(f"Erased persons: {step} …"))
            documents = migrate_documents(
                index,
                store,
                WordSettings().words,
                wait_stored,
                lambda done: status.update(
                    f"{found.sessions:,} sessions migrated, {done:,} documents made …"
                ),
            )
        again = sum(one.records or 0 for one in erased)
        answer = {
            "sessions": found.sessions,
            "unreadable": found.unreadable,
            "documents": documents,
            "erased_again": again,
        }
        if arguments.json:
            print(json.dumps(answer))
        else:
            print(f"{found.sessions:,} sessions migrated, {documents:,} documents made anew")
            if again:
                print(f"{again:,} records of erased persons removed, which a backup had brought back")
            if found.unreadable:
                print(
                    f"{found.unreadable:,} documents in MongoDB are no sessions and were left as they are: "
                    "./vitrine reconcile names them"
                )
        return ExitCode.NOT_SO if found.unreadable else ExitCode.DONE

    return carried_out(migrate, "The stores were not migrated")


def wait_stored() -> None:
    """Returns once the store has every session that is in the log now. Raises StageBehind, and
    KafkaException."""
    kafka = KafkaSettings()
    clients.require(kafka)
    ends = offsets.ends(kafka, topics.VALID)
    offsets.wait_past(kafka, STORE.group, topics.VALID, ends, time.monotonic() + STORED_PATIENCE_S)
