"""What comes out of MongoDB, as plain Python values."""

from typing import Any


def plain(value: Any) -> Any:
    """`value` with plain numbers in the place of BSON's long integers, which are a subclass."""
    match value:
        case dict():
            return {name: plain(inner) for name, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case bool():
            return value
        case int():
            return int(value)
        case _:
            return value
