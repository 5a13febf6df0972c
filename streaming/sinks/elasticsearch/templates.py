"""Index templates, derived from the documents' own types so that the two cannot drift apart. Pure."""

from typing import Any

from msgspec import Struct, inspect


def properties(document: type[Struct]) -> dict[str, dict[str, str]]:
    """The Elasticsearch field type of each field of `document`, by its name on the wire. Raises TypeError for
    a type that no field of ours has had so far."""
    shape = inspect.type_info(document)
    if not isinstance(shape, inspect.StructType):
        raise TypeError(f"{document.__name__} is no Struct")
    return {field.encode_name: _field(field.name, field.type) for field in shape.fields}


def _field(name: str, of: inspect.Type) -> dict[str, str]:
    match of:
        case inspect.UnionType(types=types):
            [one] = [member for member in types if not isinstance(member, inspect.NoneType)]
            return _field(name, one)
        case inspect.ListType(item_type=item):
            return _field(name, item)  # Elasticsearch does not tell one value from many
        case inspect.IntType():
            return {"type": "date", "format": "epoch_millis"} if name.endswith("_ms") else {"type": "long"}
        case inspect.FloatType():
            return {"type": "double"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.StrType() | inspect.LiteralType():
            return {"type": "keyword"}
    raise TypeError(f"no Elasticsearch type is known for {name}: {of}")


def template(index: str, document: type[Struct], replicas: int, with_alias: bool = True) -> dict[str, Any]:
    """The template of the slices of `index`, which have its name with a month appended. `with_alias`: whether
    each slice that is made is found under the name of the index."""
    return {
        "index_patterns": [f"{index}-*"],
        "priority": 500,
        "template": {
            "settings": {
                "number_of_shards": 1,
                "number_of_replicas": replicas,
                "refresh_interval": "1s",
            },
            # A document with a field more than we know is refused: nothing gets in unseen.
            "mappings": {"dynamic": "strict", "properties": properties(document)},
            "aliases": {index: {}} if with_alias else {},
        },
    }
