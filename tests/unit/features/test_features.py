"""Schemas and the encoding they fix."""

import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support import shop

from ml.features import schema as schemas
from ml.features.encoding import Encoding, from_unit, labels, to_unit
from ml.features.schema import Categorical, Numeric, Schema, SchemaError
from ml.features.session_row import COLUMNS


@pytest.mark.parametrize("name", ["online-shoppers", "vitrine-session"])
def test_shipped_schemas_load(name: str) -> None:
    assert schemas.load(name).features
    assert name in schemas.shipped()


def test_the_vitrine_schema_reads_only_columns_of_the_extract_and_neither_ids_nor_label() -> None:
    schema = schemas.load("vitrine-session")
    named = {feature.name for feature in schema.features}
    assert named | {schema.target, schema.unit} <= COLUMNS.keys()
    assert not named & {
        "sessionPseudonym",
        "userPseudonym",
        "purchaseMade",
        "productIds",
        "productCategories",
    }


def test_a_schema_that_encodes_otherwise_has_another_digest() -> None:
    schema = schemas.load("vitrine-session")
    assert schemas.of_trained({"schema": schema.name, "schema_digest": schema.digest}) == schema
    first, *others = schema.features
    renamed = msgspec.structs.replace(schema, features=(msgspec.structs.replace(first, title="x"), *others))
    assert renamed.digest == schema.digest
    digests = {
        changed.digest
        for changed in (
            schema,
            schema.without(first.name),
            msgspec.structs.replace(schema, features=(*others, first)),
            msgspec.structs.replace(schema, features=(Numeric(first.name, 0, 1), *others)),
            msgspec.structs.replace(schema, positive="false"),
        )
    }
    assert len(digests) == 5
    for of_before in ({}, {"schema_digest": schema.without(first.name).digest}):
        with pytest.raises(SchemaError, match="private_models to train new ones"):
            schemas.of_trained({"schema": schema.name} | of_before)


def test_a_schema_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(
        json.dumps(
            {
                "name": "mine",
                "target": "t",
                "features": [{"kind": "numeric", "name": "a", "lower": 0, "upper": 1}],
            }
        )
    )
    assert schemas.load(str(path)).features == (Numeric("a", 0, 1),)
    path.write_text('{"name": "mine"}')
    with pytest.raises(SchemaError, match="no schema"):
        schemas.load(str(tmp_path / "other.json"))


@pytest.mark.parametrize(
    "features", [(), (Numeric("a", 0, 1), Categorical("a", ("x",))), (Numeric("t", 0, 1),)]
)
def test_impossible_schemas_are_refused(features: tuple[Numeric | Categorical, ...]) -> None:
    with pytest.raises(ValueError, match=r"schema|target"):
        Schema(name="s", target="t", features=features)
    with pytest.raises(ValueError, match="lower"):
        Numeric("n", 1, 1)
    with pytest.raises(ValueError, match="distinct"):
        Categorical("c", ("x", "x"))


def test_every_cell_has_an_encoding() -> None:
    odd = ["", None, "abc", math.nan, math.inf, -5, 1e300, "12"]
    x = shop.ENCODING.encode(
        {"seconds": odd, "share": odd, "device": odd, "weekend": ["TRUE", True, "FALSE", 1, 0, "", None, "x"]}
    )
    assert np.isfinite(x).all()
    assert ((x >= 0) & (x <= 1)).all()
    assert x[:, shop.ENCODING.spans["device"]].sum() == 0
    assert x[:, shop.ENCODING.spans["weekend"]].ravel().tolist() == [1, 1, 0, 0, 0, 0, 0, 0]


def test_units_and_back() -> None:
    for feature in (Numeric("a", 0, 10_000, "log"), Numeric("b", -3, 7)):
        values = np.linspace(feature.lower, feature.upper, 50)
        assert np.allclose(from_unit(feature, to_unit(feature, values)), values)


def test_sums_by_feature() -> None:
    encoding = Encoding(shop.SCHEMA)
    assert encoding.width == 5
    assert encoding.sum_by_feature(np.arange(5.0)[None]).tolist() == [[0, 1, 5, 4]]


def test_labels_read_what_exports_write() -> None:
    assert labels(["TRUE", "true", "False", "", None, True, 1], "TRUE").tolist() == [1, 1, 0, 0, 0, 1, 0]
    assert labels([1, 1.0, "1", 0, True], "1").tolist() == [1, 1, 1, 0, 0]
