"""The erasure list as a part of a backup: a restore never takes it back, but unites both copies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from stack.backup.part import Tell
from stack.backup.sealing import Writable
from streaming.person.erasure_list import ErasureList

NAME = "erasures"


@dataclass(frozen=True)
class ErasuresPart:
    """The list of who is to be erased, by pseudonym."""

    erasures: ErasureList
    name: str = NAME
    needs: Sequence[str] = ()

    def present(self) -> str:
        return ""  # never replaced

    def save(self, out: Writable, tell: Tell) -> list[str]:
        for line in self.erasures.lines():
            out.write(line)
        return []

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        lines = saved.read().splitlines(keepends=True)
        return f"united: {self.erasures.unite(lines)} lines were not here"
