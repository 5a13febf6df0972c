"""An interrupted purge is completed before any stage starts; what it does to the stores is another test."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from stack import interrupted_rewrite, lifecycle, provision, purge, resummarise, retention_check
from stack.service import StackContext, StackError
from streaming.process.exit_code import InvalidRequest
from streaming.purge.run import Purged

NONE = Purged(0, 0, 0, 0, 0)


class Stack:
    """Notes what is done, and whether a stage might start meanwhile."""

    def __init__(self, place: StackContext) -> None:
        self.place, self.done, self.fails_at = place, list[str](), ""

    def step(self, name: str) -> Callable[..., Purged]:
        def taken(*_: object, **__: object) -> Purged:
            try:
                interrupted_rewrite.require_none(self.place.layout)
            except StackError:
                self.done.append(f"{name}, marked")
            else:
                self.done.append(name)
            if name == self.fails_at:
                raise InvalidRequest(name)
            return NONE

        return taken


@pytest.fixture
def stack(place: StackContext, monkeypatch: pytest.MonkeyPatch) -> Stack:
    found = Stack(place)
    monkeypatch.setattr(purge, "this_checkout", lambda: place)
    monkeypatch.setattr(resummarise, "stop", found.step("stop"))
    monkeypatch.setattr(purge, "require_stopped", found.step("look elsewhere"))
    monkeypatch.setattr(purge, "purge", found.step("purge"))
    monkeypatch.setattr(lifecycle, "bring_up", found.step("up"))
    return found


def tell(step: str, state: str) -> None:
    pass


def test_it_is_marked_from_before_the_log_is_touched_until_it_is_whole(stack: Stack) -> None:
    assert purge.run("live", tell) == NONE
    assert stack.done == ["stop", "look elsewhere", "purge, marked", "up"]


def test_interrupted_only_the_same_command_goes_on(stack: Stack) -> None:
    stack.fails_at = "purge"
    with pytest.raises(InvalidRequest):
        purge.run("live", tell)
    with pytest.raises(StackError, match=r"\./vitrine purge live --yes"):
        purge.run("import-1", tell)
    with pytest.raises(StackError):
        purge.resume("import-1", tell)
    stack.fails_at, stack.done = "", []
    purge.resume("live", tell)
    purge.run("live", tell)
    assert stack.done == ["up, marked", "stop, marked", "look elsewhere, marked", "purge, marked", "up"]


def test_nothing_is_marked_while_stages_run_elsewhere(stack: Stack, place: StackContext) -> None:
    stack.fails_at = "look elsewhere"
    with pytest.raises(InvalidRequest):
        purge.run("live", tell)
    interrupted_rewrite.require_none(place.layout)
    purge.resume("live", tell)
    assert stack.done == ["stop", "look elsewhere"]


@pytest.mark.parametrize("names", [["gate"], ["store"], []])
def test_no_stage_starts_on_what_an_interrupted_purge_left(
    place: StackContext, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    monkeypatch.setattr(lifecycle, "this_checkout", lambda: replace(place, root=False))
    monkeypatch.setattr(retention_check, "check", lambda place: None)
    monkeypatch.setattr(provision, "ensure", lambda *_: pytest.fail("it starts"))
    interrupted_rewrite.begin(place.layout, purge.command_for("live"), purge.NAMES)
    with pytest.raises(StackError, match=r"\./vitrine purge live --yes"):
        lifecycle.bring_up(names, tell)
