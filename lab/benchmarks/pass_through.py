"""The job that the Flink job is compared with: SQL only, reads every message as JSON and writes all of it."""

from collections.abc import Iterator

import msgspec
from msgspec import inspect

from streaming.contract.valid_session import StoredSession
from streaming.settings import KafkaSettings
from streaming.summaries import sql
from streaming.summaries.settings import JobSettings

PASS_THROUGH = "pass_through"
"""The topic that the job writes."""


def _column_type(type_: inspect.Type) -> str:
    """Returns the SQL type for a field of the contract."""
    match type_:
        case inspect.StrType() | inspect.LiteralType():
            return "STRING"
        case inspect.IntType():
            return "BIGINT"
        case inspect.FloatType():
            return "DOUBLE"
        case inspect.BoolType():
            return "BOOLEAN"
        case inspect.ListType(item_type=item):
            return f"ARRAY<{_column_type(item)}>"
        case inspect.UnionType(types=types):
            return _column_type(next(t for t in types if not isinstance(t, inspect.NoneType)))
        case inspect.StructType(fields=fields):
            return f"ROW<{', '.join(f'`{f.encode_name}` {_column_type(f.type)}' for f in fields)}>"
        case _:
            raise TypeError(f"no SQL type for {type_}")


def statements(kafka: KafkaSettings, job: JobSettings) -> Iterator[str]:
    """Yields the statements for source and sink, with the options of the Flink job, and the INSERT."""
    columns = ", ".join(
        f"`{field.encode_name}` {_column_type(inspect.type_info(field.type))}"
        for field in msgspec.structs.fields(StoredSession)
    )
    read = sql.source(kafka, job, PASS_THROUGH) | {"format": "json"}
    written = sql.sink(kafka, job, PASS_THROUGH) | {
        "connector": "kafka", "key.format": "raw", "key.fields": "sessionPseudonym", "value.format": "json",
    }  # fmt: skip
    yield f"CREATE TABLE valid ({columns}) {sql.options(read)}"
    yield f"CREATE TABLE passed ({columns}) {sql.options(written)}"
    yield "INSERT INTO passed SELECT * FROM valid"
