"""The sentiment of unambiguous texts, and of texts without any."""

import json
from pathlib import Path

import pytest

from streaming.summaries import lexicons
from streaming.summaries.command import run
from streaming.summaries.sentiment import classify


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("I love this sofa, it is wonderful.", "positive"),
        ("Best purchase I made this year!", "positive"),
        ("Terrible quality, it broke after a week.", "negative"),
        ("This is not good at all.", "negative"),
        ("A waste of money.", "negative"),
        ("The shelf has four boards.", "neutral"),
        ("", "neutral"),
        (" \n\t", "neutral"),
    ],
)
def test_plain_words(text: str, sentiment: str) -> None:
    assert classify(text)[0] == sentiment


@pytest.mark.parametrize("text", ["good " * 2_000, "𝄞🛋" * 500, "!?" * 5_000, "a" * 10_000, "\x00", "ﬁne İ ß"])
def test_any_text_has_a_score_within_bounds(text: str) -> None:
    sentiment, score = classify(text)
    assert sentiment in {"positive", "negative", "neutral"}
    assert -1 <= score <= 1


def test_a_negation_reverses_the_score() -> None:
    assert classify("It is good.")[1] > 0 > classify("It is not good.")[1]


def test_the_command_classifies_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reviews.txt"
    file.write_text("I love it\n\nI hate it\n", encoding="utf-8")
    assert run(file, as_json=True) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [answer["sentiment"] for answer in answers] == ["positive", "neutral", "negative"]
    assert all(set(answer) == {"sentiment", "score"} for answer in answers)


def test_the_command_reports_a_file_that_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "latin1.txt"
    file.write_bytes(b"caf\xe9")
    assert run(file, as_json=True) == run(tmp_path / "absent", as_json=True) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("word", ["amazing", "flimsy"])
def test_a_negation_reverses_a_word(word: str) -> None:
    opinion = lexicons.load().words["opinion"]
    said, _ = lexicons.negated([["it", "is", word]])
    denied, negations = lexicons.negated([["it", "is", "not", word]])
    assert lexicons.sides(said, opinion).last == -lexicons.sides(denied, opinion).last != 0
    assert negations == 1


def test_a_typographic_apostrophe_is_an_apostrophe() -> None:
    assert classify("I don\u2019t like it") == classify("I don't like it")
