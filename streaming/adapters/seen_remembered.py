"""SeenSessions in this process: for unit tests, and the plain statement of what Redis must do."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from streaming.events.contract import Session
from streaming.gate.decide import KNOWN_USER, NEW_USER, TAKEN
from streaming.ports import OutOfStep, Standing


@dataclass
class _Generation:
    sessions: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    log: str = ""


class RememberedSeen:
    """`restart` and `forget` play the server's mishaps."""

    def __init__(self) -> None:
        self._generations: dict[str, _Generation] = {}
        self._current: str | None = None
        self._building: str | None = None
        self._starts = 1
        self._trusted = 0

    def snapshot(self) -> object:
        """What a server that saved itself now would have after a restart."""
        return deepcopy((self._generations, self._current))

    def restart(self, snapshot: object | None = None) -> None:
        """Starts afresh, with the data of `snapshot` if given."""
        self._starts += 1
        self._building = None
        if snapshot is not None:
            self._generations, self._current = deepcopy(snapshot)  # type: ignore[misc]

    def forget(self) -> None:
        """All data are gone; the server runs on."""
        self._generations, self._current, self._building = {}, None, None

    def standing(self) -> Standing | None:
        if self._current is None:
            return None
        held = self._generations[self._current]
        return Standing(self._current, held.log, dict(held.offsets))

    def incarnation(self) -> str:
        return str(self._starts)

    def is_trusted(self) -> bool:
        return self._trusted == self._starts

    def trust(self, incarnation: str) -> bool:
        self._trusted = self._starts
        return incarnation == self.incarnation()

    def claim(
        self,
        generation: str,
        sessions: Sequence[Session],
        positions: Sequence[int],
        spans: Mapping[int, tuple[int, int]],
    ) -> bytes:
        if not self.is_trusted() or generation != self._current:
            raise OutOfStep
        held = self._generations[generation]
        if any(held.offsets.get(partition, 0) < committed for partition, (committed, _) in spans.items()):
            raise OutOfStep
        answers = _claim(held, sessions, positions)
        for partition, (_, upto) in spans.items():
            held.offsets[partition] = max(held.offsets.get(partition, 0), upto)
        return answers

    def start_rebuild(self, generation: str) -> bool:
        if self._building is not None:
            return False
        self._building = generation
        self._generations[generation] = _Generation()
        return True

    def restore(self, generation: str, sessions: Sequence[Session], positions: Sequence[int]) -> bytes:
        if generation != self._building:
            raise OutOfStep
        return _claim(self._generations[generation], sessions, positions)

    def finish_rebuild(self, standing: Standing) -> None:
        if standing.generation != self._building:
            raise OutOfStep
        built = self._generations[standing.generation]
        built.offsets, built.log = dict(standing.offsets), standing.log
        self._generations = {standing.generation: built}
        self._current, self._building = standing.generation, None

    def distinct_users(self) -> int:
        return len(self._generations[self._current].users) if self._current else 0


def _claim(held: _Generation, sessions: Sequence[Session], positions: Sequence[int]) -> bytes:
    def answer(session: Session, position: int) -> int:
        if held.sessions.setdefault(session.session_id, position) != position:
            return TAKEN
        return NEW_USER if held.users.setdefault(session.user_id, position) == position else KNOWN_USER

    return bytes(map(answer, sessions, positions))
