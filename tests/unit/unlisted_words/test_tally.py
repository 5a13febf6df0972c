"""Which words of sessions are counted as being on no list."""

import msgspec
from support.sessions import valid_session

from streaming.unlisted_words.tally import setting, unlisted
from streaming.words.lists import FIELDS, Further, Words
from streaming.words.settings import WordSettings


def stored(**fields: object) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(valid_session(**fields))
    return found


def test_words_on_no_list_are_counted_by_field() -> None:
    sessions = [
        *[stored(operating_system="TempleOS", country="Narnia")] * 3,
        *[stored(operating_system="Genera", payment_method_type=None)] * 2,
        stored(payment_method_type="bonus", gender="Other"),
        {"_id": 7, "country": ["no", "text"]},
    ]
    read = unlisted(sessions, Words(Further(payments={"Points": ["Bonus"]})))
    assert read.sessions == 7
    found = {field: dict(of.most(10, 1)) for field, of in read.by_field.items() if of.added}
    assert found == {"operating_system": {"TempleOS": 3, "Genera": 2}, "country": {"Narnia": 3}}


def test_the_setting_that_is_shown_is_the_one_that_is_read() -> None:
    read = {field.alias for field in WordSettings.model_fields.values()}
    assert {setting(field) for field in FIELDS} == read
