"""`./vitrine words`."""

import argparse
import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streaming.command_failure import carried_out
from streaming.contract.visible import visible
from streaming.process.exit_code import ExitCode
from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.unlisted_words.tally import Unlisted, setting, unlisted
from streaming.words.settings import WordSettings


def run(arguments: argparse.Namespace) -> int:
    """Prints the most frequent words on no list. Returns an ExitCode."""

    def print_words() -> int:
        read = unlisted(MongoSessions(MongoSettings()).scan(), WordSettings().words)
        found = answer(read, arguments.most, arguments.least)
        if arguments.json:
            print(visible(json.dumps(found, ensure_ascii=False)))
        else:
            _show(found)
        return ExitCode.DONE

    return carried_out(print_words, "The words could not be read")


def answer(read: Unlisted, most: int, least: int) -> dict[str, Any]:
    """Returns what --json prints."""
    fields = {
        field: {
            "other": of.added,
            "setting": setting(field),
            "too_low_by": of.too_low_by,
            "words": [{"word": word, "sessions": count} for word, count in of.most(most, least)],
        }
        for field, of in read.by_field.items()
    }
    return {"sessions": read.sessions, "fields": fields}


def _show(found: dict[str, Any]) -> None:
    table = Table("word", "sessions", "setting that can name it", title=f"of {found['sessions']} sessions")
    for field, of in found["fields"].items():
        name = field.replace("_", " ")
        table.add_row(Text(f"{name}: all on no list", "bold"), str(of["other"]), of["setting"])
        for one in of["words"]:
            # Senders choose the words: neither markup nor control characters in them count.
            table.add_row(Text(f"  {visible(one['word'])}"), str(one["sessions"]), "")
    Console().print(table)
