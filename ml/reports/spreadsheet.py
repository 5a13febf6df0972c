"""CSV that a spreadsheet opens as what it says. Pure."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

FORMULA_BEGINS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With these, spreadsheets take a cell for a formula, or drop the character and look at the next (OWASP, CSV
injection); the last four are the wide forms of the first."""


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns `rows` with the names of the first one as header. Texts that would be formulas begin with an
    apostrophe instead; numbers stay numbers, negative ones too."""
    text = io.StringIO()
    # Both characters, as in RFC 4180: csv quotes a cell only if it holds one of those that end lines.
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(map(cell, rows[0]))
    lines.writerows(map(cell, row.values()) for row in rows)
    return text.getvalue()


def cell(value: Any) -> Any:
    """Returns `value`, made harmless if it is a text that would be a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_BEGINS) else value
