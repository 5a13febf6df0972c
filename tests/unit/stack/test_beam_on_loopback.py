"""The class that makes Beam's servers listen on loopback."""

import pytest

from stack.components.beam_on_loopback import on_loopback

EMPTY_CLASS = bytes.fromhex("cafebabe0000003d0001")


def test_a_class_without_the_call_is_refused() -> None:
    with pytest.raises(ValueError, match="getPort"):
        on_loopback(EMPTY_CLASS)
