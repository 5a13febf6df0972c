"""What the page *Why this score* may be asked."""

import pytest

from ml.score.question import FORM, JSON, NoQuestion, Question, question

ASKED = Question("s-1", "run/trees", "ü")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, "session=+s-1+&model=run%2Ftrees&why=%C3%BC"),
        (f"{FORM}; charset=utf-8", "session=s-1&model=run/trees&why=ü"),
        (JSON, '{"session": "s-1", "model": "run/trees", "why": "ü"}'),
    ],
)
def test_a_form_and_json(kind: str, body: str) -> None:
    assert question(kind, body.encode()) == ASKED


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"session=\xff"),
        (FORM, b"session=%ff"),
        (FORM, b"&".join(b"a=1" for _ in range(50))),
        (JSON, b'{"session": "\xff"}'),
        (JSON, b"not json"),
        (JSON, b""),
        (JSON, b"[]"),
        (JSON, b'{"session": 7}'),
        (JSON, b"[" * 4000),
        ("", b"session=x"),
        ("text/plain", b"session=x"),
        ("multipart/form-data", b"session=x"),
    ],
)
def test_anything_else_is_no_question_and_is_not_quoted(kind: str, body: bytes) -> None:
    with pytest.raises(NoQuestion) as raised:
        question(kind, body)
    assert "session" not in str(raised.value)
