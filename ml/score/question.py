"""What the page *Why this score* is asked, read from the body of a request. Pure."""

from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

LONGEST_QUESTION_BYTES = 4_096
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class NoQuestion(Exception):
    """The body is no question; the message says why and quotes nothing of it."""


class Question(Struct, frozen=True):
    """Why did `session` get its score by `model`?"""

    session: str = ""
    model: str = ""
    """Run and model, with a slash between."""
    why: str = ""
    """Why it is asked, for the access record."""


def question(content_type: str, body: bytes) -> Question:
    """Returns the question in a form or in JSON. Raises NoQuestion for any other body."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == JSON:
            asked = msgspec.json.decode(body, type=Question)
        elif kind == FORM:
            # Bytes that are no UTF-8 may come as they are, or written with per cent signs.
            fields = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=10)
            asked = msgspec.convert(dict(fields), Question)
        else:
            raise NoQuestion("A question is a form or JSON")
    except UnicodeDecodeError:
        raise NoQuestion("This is not UTF-8") from None
    except (ValueError, RecursionError):
        raise NoQuestion("This is no question") from None
    return Question(asked.session.strip(), asked.model, asked.why.strip())
