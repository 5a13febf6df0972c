"""What is declared public about a data set before any row is read: its columns, their bounds, their values.

Bounds and lists that were looked up in the data would be a release of their own. A schema says them from
knowledge of the domain instead; values beyond are clipped, words beyond belong to no category.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec


class Numeric(msgspec.Struct, frozen=True, tag="numeric", tag_field="kind"):
    """A number clipped into [lower, upper]; `scale` says on which scale differences count alike."""

    name: str
    lower: float
    upper: float
    scale: Literal["linear", "log"] = "linear"
    title: str = ""
    """What people call it, with its unit; the name where empty."""

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise ValueError(f"{self.name}: lower must be below upper")


class Categorical(msgspec.Struct, frozen=True, tag="categorical", tag_field="kind"):
    """A word out of `values`."""

    name: str
    values: tuple[str, ...]
    title: str = ""

    def __post_init__(self) -> None:
        if len(set(self.values)) != len(self.values) or not self.values:
            raise ValueError(f"{self.name}: values must be distinct, at least one")


Feature = Numeric | Categorical


def title(feature: Feature) -> str:
    """What people call it."""
    return feature.title or feature.name.replace("_", " ")


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public facts of one data set. Columns that are not named are not looked at."""

    name: str
    target: str
    features: tuple[Feature, ...]
    positive: str = "1"
    """The value of `target` that counts as yes."""
    unit: str | None = None
    """The column that says whose a row is; None: every row is its own unit."""
    unit_is_called: str = "row"
    note: str = ""
    """Where the bounds come from and why a column was left out."""

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names) or not names:
            raise ValueError("a schema names each feature once, at least one")
        if self.target in names:
            raise ValueError(f"the target {self.target} cannot be a feature")

    @property
    def digest(self) -> str:
        """Of what fixes the encoding: equal for schemas whose encoded rows mean the same."""
        untitled = [msgspec.structs.replace(feature, title="") for feature in self.features]
        return hashlib.sha256(msgspec.json.encode([self.target, self.positive, untitled])).hexdigest()[:16]

    def without(self, *names: str) -> "Schema":
        """The same schema, blind for the features `names`."""
        kept = tuple(feature for feature in self.features if feature.name not in names)
        return msgspec.structs.replace(self, features=kept)


class SchemaError(ValueError):
    """A schema that cannot be found or read; the message says what would be right."""


def shipped() -> Mapping[str, str]:
    """The names of the schemas that come with Vitrine, with their notes."""
    return {name: load(name).note for name in sorted(_files())}


@cache
def load(name_or_path: str) -> Schema:
    """A shipped schema by its name, or one of your own from a JSON file. Raises SchemaError."""
    shipped_files = _files()
    if name_or_path in shipped_files:
        return msgspec.json.decode(shipped_files[name_or_path], type=Schema)
    path = Path(name_or_path)
    if not path.is_file():
        raise SchemaError(
            f"no schema {name_or_path}: name a file, or one of {', '.join(sorted(shipped_files))}"
        )
    try:
        return msgspec.json.decode(path.read_bytes(), type=Schema)
    except msgspec.MsgspecError as error:
        raise SchemaError(f"{path}: {error}") from error


def of_trained(metrics: Mapping[str, Any]) -> Schema:
    """The schema by which released models read rows, from their metrics.json. Raises SchemaError where it
    has changed since: they would take one input for another."""
    schema = load(metrics["schema"])
    if metrics.get("schema_digest") != schema.digest:
        raise SchemaError(
            f"these models read other features than the schema {schema.name} has now: run the DAG "
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
