"""Feature schemas: what is declared public about a data set before any row is read: columns, bounds, values.

Bounds and word lists taken from the data would be a release that costs privacy. A schema takes them from
knowledge of the domain instead; values outside the bounds are clipped, words outside the list are in no
category.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec


class Numeric(msgspec.Struct, frozen=True, tag="numeric", tag_field="kind"):
    """A number clipped into [lower, upper]; on `scale`, equal differences have equal weight."""

    name: str
    lower: float
    upper: float
    scale: Literal["linear", "log"] = "linear"
    title: str = ""
    """The name shown to people, with the unit; if empty, `name` is shown."""

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise ValueError(f"{self.name}: lower must be below upper")


class Categorical(msgspec.Struct, frozen=True, tag="categorical", tag_field="kind"):
    """One of the words in `values`."""

    name: str
    values: tuple[str, ...]
    title: str = ""

    def __post_init__(self) -> None:
        if len(set(self.values)) != len(self.values) or not self.values:
            raise ValueError(f"{self.name}: values must be distinct, at least one")


Feature = Numeric | Categorical


def title(feature: Feature) -> str:
    """Returns the feature's name for people."""
    return feature.title or feature.name.replace("_", " ")


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public facts of one data set. Columns that are not listed are not read."""

    name: str
    target: str
    features: tuple[Feature, ...]
    positive: str = "1"
    """The value of `target` that means yes."""
    unit: str | None = None
    """The column with the privacy unit of each row; None: every row is a unit."""
    unit_is_called: str = "row"
    note: str = ""
    """Where the bounds come from and why a column was left out."""

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names) or not names:
            raise ValueError("a schema must have at least one feature, and each name only once")
        if self.target in names:
            raise ValueError(f"the target {self.target} cannot be a feature")

    @property
    def digest(self) -> str:
        """Digest of what determines the encoding: equal for schemas whose encoded rows mean the same."""
        untitled = [msgspec.structs.replace(feature, title="") for feature in self.features]
        return hashlib.sha256(msgspec.json.encode([self.target, self.positive, untitled])).hexdigest()[:16]

    def without(self, *names: str) -> "Schema":
        """Returns the schema without the features `names`."""
        kept = tuple(feature for feature in self.features if feature.name not in names)
        return msgspec.structs.replace(self, features=kept)


class SchemaError(ValueError):
    """The schema cannot be found or read; the message says what is expected."""


def shipped() -> Mapping[str, str]:
    """Returns the notes of the schemas that come with Vitrine, by name."""
    return {name: load(name).note for name in sorted(_files())}


@cache
def load(name_or_path: str) -> Schema:
    """Returns a schema that comes with Vitrine, by name, or one from a JSON file. Raises SchemaError."""
    shipped_files = _files()
    if name_or_path in shipped_files:
        return msgspec.json.decode(shipped_files[name_or_path], type=Schema)
    path = Path(name_or_path)
    if not path.is_file():
        raise SchemaError(
            f"there is no schema {name_or_path}: give a file, or one of {', '.join(sorted(shipped_files))}"
        )
    try:
        return msgspec.json.decode(path.read_bytes(), type=Schema)
    except msgspec.MsgspecError as error:
        raise SchemaError(f"{path}: {error}") from error


def of_trained(metrics: Mapping[str, Any]) -> Schema:
    """Returns the schema with which released models encode rows, from their metrics.json. Raises SchemaError
    if it has changed since, because the models would mistake one input for another."""
    schema = load(metrics["schema"])
    if metrics.get("schema_digest") != schema.digest:
        raise SchemaError(
            f"the schema {schema.name} has changed since these models were trained: run the DAG "
            "private_models to train new ones"
        )
    return schema


def _files() -> dict[str, bytes]:
    folder = files(__package__) / "schemas"
    return {
        entry.name.removesuffix(".json"): entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.endswith(".json")
    }
