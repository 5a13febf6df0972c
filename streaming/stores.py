"""What every client of a store shares: the document it holds, and the error while it is unavailable. Pure."""

from typing import Any

Document = dict[str, Any]
"""A JSON object as plain Python values."""


class StoreUnavailable(Exception):
    """A component does not do its work at the moment; the same call may succeed later. The text says which
    and why, without any message's content."""
