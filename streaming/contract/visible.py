"""Shows text that came from outside without doing what it says. Pure.

Whatever senders, stores or files chose goes through here before a command prints it or a page shows it; with
rich as a `Text`, in which markup does not count. The contract refuses characters that disturb
(unprintable.py), but older sessions, headers, names of runs and files may hold them. JSON in ASCII needs
none of this: it escapes more.
"""

from streaming.contract.unprintable import ANYWHERE


def visible(text: str) -> str:
    """Returns `text` as one line, in which control and bidirectional characters are escapes as in JSON. So a
    JSON text on one line stays one, with the same value."""
    return ANYWHERE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def visible_lines(text: str) -> str:
    """Returns the same for a text whose line feeds are not from outside: they are kept."""
    return "\n".join(map(visible, text.split("\n")))


def shown(value: object) -> object:
    """Returns `value` for a page: a text as `visible` has it, anything else (markup among it) as it is. For
    `finalize` of a template."""
    return visible(value) if type(value) is str else value
