"""Whatever a sender writes, a word of the list comes out, and nothing is raised: that would stop the gate."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.words.lists import Words

WORDS = Words()
HOSTLIKE = st.text(st.sampled_from(".:/@[]?#%-_ aA0\u00fc\u2024\uff0e\u0130google.co.ukxn--"), max_size=128)


@given(st.text(max_size=128) | HOSTLIKE | HOSTLIKE.map(lambda rest: f"https://{rest}"))
def test_any_word_becomes_one_of_the_list(word: str) -> None:
    for one in WORDS.by_dimension.values():
        found = one.bounded(word)
        assert found in one.words
        assert one.bounded(found) == found
