"""Whom an attempt to log in is for. Pure."""

import json
from urllib.parse import parse_qsl

NAME_LENGTH = 128


def users(body: bytes) -> tuple[str, ...]:
    """Returns every user that `body` may name, read as JSON and as a form, and ("",) if it names none.

    Which of the two it is, Airflow decides by a header. A body can be made that is both and names another
    user in each: both count."""
    found = dict.fromkeys(name[:NAME_LENGTH] for name in (_of_json(body), _of_form(body)) if name)
    return tuple(found) or ("",)


def _of_json(body: bytes) -> str:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    name = content.get("username") if isinstance(content, dict) else None
    return name if isinstance(name, str) else ""


def _of_form(body: bytes) -> str:
    # Latin-1, as Starlette reads forms.
    try:
        fields = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
    except ValueError:
        return ""
    return fields.get("username", "")
