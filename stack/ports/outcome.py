"""What the replies to all attempts on a port say together. Pure.

Silence is no refusal: a server that is paused or overloaded says nothing either, and serves later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stack.ports.replies import Try

NONE_SERVED = ""


@dataclass(frozen=True)
class Heard:
    """What came back of one attempt: the beginning of the reply, and whether the port kept us waiting."""

    reply: bytes = b""
    silent: bool = False


def outcome(heard: Sequence[tuple[Try, Heard]]) -> str | None:
    """Returns the name of the first attempt that was served; NONE_SERVED if all were refused; None if it is
    unknown, because the port said nothing in its own protocol or, if that is not known, in none."""
    for attempt, told in heard:
        if attempt.serves(told.reply):
            return attempt.name
    questions: dict[str, list[Heard]] = {}
    for attempt, told in heard:
        if attempt.own:
            questions.setdefault(attempt.question, []).append(told)
    if any(_unanswered(those) for those in questions.values()):
        return None
    foreign = [told for attempt, told in heard if attempt.own is None]
    return None if foreign and all(_unanswered([told]) for told in foreign) else NONE_SERVED


def _unanswered(those: Iterable[Heard]) -> bool:
    """The same is asked with and without TLS, and a server of the one may wait for more of the other."""
    those = list(those)
    return not any(told.reply for told in those) and any(told.silent for told in those)
