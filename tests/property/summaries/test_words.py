"""Whatever words visitors say, the summaries' words are bounded by the lists alone: held to a second,
plainer reading of the lists."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from support.sessions import session_with

from streaming.summaries.session import summarise
from streaming.words import built_in
from streaming.words.lists import FIELDS, Further, Words

OWN = {"Points": ["bonus points"], "Über-OS": []}
WORDS = Words(Further(systems=OWN, browsers=OWN, genders=OWN, payments=OWN))
TABLES = {
    "operating_system": built_in.SYSTEMS,
    "browser_type": built_in.BROWSERS,
    "gender": built_in.GENDERS,
    "payment_method_type": built_in.PAYMENTS,
}
ANY = st.text(min_size=1, max_size=128)


def spellings(field: str) -> list[str]:
    return [word for table in (TABLES[field], OWN) for of in table.items() for word in (of[0], *of[1])]


def plain(word: str) -> str:
    letters = [
        c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) not in ("Mn", "Mc", "Me")
    ]
    return " ".join("".join(letters).casefold().replace("-", " ").replace("_", " ").split())


def by_oracle(field: str, said: str) -> str:
    for table in (OWN, TABLES[field]):
        for word, others in table.items():
            if plain(said) in map(plain, (word, *others)):
                return word
    return "unknown" if plain(said) == "unknown" else "other"


def twisted(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            word,
            word.upper(),
            word.lower(),
            f" {word} ",
            word.replace(" ", "_"),
            word.replace(" ", "-"),
            word + "x",
        ]
    )


@given(st.data(), st.sampled_from(sorted(TABLES)))
def test_a_word_counts_as_the_oracle_says(data: st.DataObject, field: str) -> None:
    said = data.draw(ANY.filter(str.isascii) | st.sampled_from(spellings(field)).flatmap(twisted))
    assert getattr(summarise(session_with(**{field: said}), WORDS), field) == by_oracle(field, said)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, ANY)), min_size=1, max_size=5))
def test_no_word_depends_on_other_sessions_or_their_order(said: list[dict[str, str]]) -> None:
    alone = [summarise(session_with(**one), Words()) for one in said[:1]]
    together = [summarise(session_with(**one), WORDS) for one in reversed(said)]
    for field in FIELDS:
        assert {getattr(one, field) for one in together} <= WORDS.of(field).words
        assert getattr(alone[0], field) in Words().of(field).words
    again = [summarise(session_with(**one), WORDS) for one in said]
    assert again == together[::-1]
