"""Text from outside is shown, and does nothing."""

import json

import pytest

from streaming.contract.visible import shown, visible, visible_lines

ATTACKS = {
    "title, colour and an empty screen": "x\x1b]0;pwned\x07\x1b[31mRED\x1b[2J",
    "C1": "x\x9b2J",
    "a line of its own": "x\nbroken raw: nothing\r\x85\u2028\u2029",
    "turned around": "x\u202egpj.exe\u2066\u2069\u200e\u200f\u061c",
    "deleted": "x\b\b\x7f",
    "half a pair": "x\ud83d",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_it_is_shown(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert shown.startswith("x")
    assert visible(shown) == shown
    assert json.loads(f'"{shown}"') == text


def test_a_page_shows_it_too() -> None:
    class Markup(str):
        __slots__ = ()

    assert shown("a\u202eb") == "a\\u202eb"
    for other in (7, None, Markup("<b>\n</b>")):
        assert shown(other) is other


def test_what_people_write_stays() -> None:
    for text in (
        "",
        "Zoë Åström",
        "日本語",
        "שלום",
        "🛋️ \U0001f469\u200d\U0001f4bb",
        'a\\b "c" [red]',
        "a\u00a0b",
    ):
        assert visible(text) == text


def test_a_json_text_keeps_its_value() -> None:
    value = {"session": "".join(ATTACKS.values()).replace("\ud83d", "") + '"\\'}
    shown = visible(json.dumps(value, ensure_ascii=False))
    assert shown.isprintable()
    assert json.loads(shown) == value


def test_our_own_lines_stay_lines() -> None:
    assert visible_lines("a\n\x1b[2J\n") == "a\n\\u001b[2J\n"
