"""The templates of the three indexes, derived from the documents' types."""

import msgspec
import pytest
from msgspec import Struct

from streaming.contract import topics
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.templates import properties, template


@pytest.mark.parametrize("index", topics.INDEXED)
def test_every_field_of_every_document_has_a_type(index: str) -> None:
    body = template(f"p-{index}", DOCUMENTS[index], replicas=2)
    assert body["index_patterns"] == [f"p-{index}-*"]
    assert body["template"]["settings"]["number_of_replicas"] == 2
    assert body["template"]["aliases"] == {f"p-{index}": {}}
    mappings = body["template"]["mappings"]
    assert mappings["dynamic"] == "strict"
    fields = {field.encode_name for field in msgspec.structs.fields(DOCUMENTS[index])}
    assert set(mappings["properties"]) == fields


def test_times_are_dates_words_keywords_and_money_whole() -> None:
    found = {name: kind["type"] for name, kind in properties(DOCUMENTS[topics.SESSION_SUMMARIES]).items()}
    assert found["eventTimeMs"] == found["arrivedAtMs"] == "date"
    assert (
        found["sessionPseudonym"]
        == found["topCategory"]
        == found["keyActivities"]
        == found["funnelStep"]
        == "keyword"
    )
    assert found["amountSpentCents"] == found["viewed"] == "long"
    assert found["sessionDurationS"] == "double"
    assert found["late"] == "boolean"


def test_nothing_personal_has_a_field() -> None:
    for document in DOCUMENTS.values():
        assert not {"sessionId", "userId", "name", "email", "text", "zipCode", "city"} & set(
            properties(document)
        )


def test_a_type_nobody_has_thought_of_is_an_error() -> None:
    class Odd(Struct):
        inner: dict[str, int]

    with pytest.raises(TypeError, match="inner"):
        properties(Odd)
