"""The words of a session's summary: those of lists, whatever the visitor said."""

import msgspec
import pytest
from support.sessions import session_with

from lab.benchmarks.sessions import valid_sessions
from streaming.summaries.session import SessionSummary, summarise
from streaming.words.lists import FIELDS, OTHER, Further, Words

WORDS = Words()


@pytest.mark.parametrize(
    ("field", "said", "counted"),
    [
        *[("operating_system", "mac os x", "macOS"), ("operating_system", "TempleOS", OTHER)],
        *[("browser_type", "CHROME", "Chrome"), ("browser_type", "Chrome 151.0.1", OTHER)],
        *[("gender", "F", "female"), ("gender", "other", OTHER), ("gender", "unknown", "unknown")],
        *[("payment_method_type", "PayPal", "paypal"), ("payment_method_type", None, None)],
        *[("payment_method_type", "cowries", OTHER), ("device_type", "smartphone", "mobile")],
        *[("referrer", "https://www.google.de/", "Google"), ("referrer", "odd.example", OTHER)],
        *[("country", "USA", "United States"), ("country", "Narnia", OTHER)],
    ],
)
def test_a_word_is_that_of_its_list(field: str, said: str | None, counted: str | None) -> None:
    assert getattr(summarise(session_with(**{field: said}), WORDS), field) == counted


def test_a_shops_own_words_are_named_by_a_setting() -> None:
    own = Words(Further(payments={"Points": ["bonus points"]}))
    assert summarise(session_with(payment_method_type="BONUS-POINTS"), own).payment_method_type == "Points"
    assert summarise(session_with(payment_method_type="BONUS-POINTS"), WORDS).payment_method_type == OTHER


def test_ten_thousand_odd_words_make_one_row_of_each_field() -> None:
    """A visitor's words were rows of their own, and those of the table of systems displaced real ones."""
    rows: dict[str, set[object]] = {field: set() for field in FIELDS}
    for number in range(10_000):
        summary = summarise(session_with(**dict.fromkeys(FIELDS, f"odd {number}")), WORDS)
        for field, seen in rows.items():
            seen.add(getattr(summary, field))
    assert rows == {field: {OTHER} for field in FIELDS}


def test_the_pairs_of_system_and_browser_fit_into_the_panel() -> None:
    """The panel shows so many pairs in the order of words: a listed pair must never push another out."""
    assert len(WORDS.systems.words) * len(WORDS.browsers.words) <= 1_000 / 2


def test_summaries_of_simulated_sessions_are_as_they_were_before_words_had_lists() -> None:
    for session in valid_sessions(2_000):
        summary = summarise(session, WORDS)
        as_said = {field: getattr(session, field) for field in FIELDS}
        assert summary == msgspec.structs.replace(summary, **as_said)


def test_lists_are_of_fields_that_sessions_and_summaries_have() -> None:
    assert FIELDS.keys() <= set(SessionSummary.__struct_fields__)
    assert sorted(FIELDS.values()) == sorted(Further.__struct_fields__)
