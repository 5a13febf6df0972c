"""The most frequent words are found in bounded memory, and counts are off by no more than is said."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streaming.unlisted_words.frequent import FrequentWords

WORDS = st.lists(st.sampled_from("abcdefghijklmnop"), max_size=300)


@given(WORDS, st.integers(1, 20))
def test_counts_are_those_of_the_oracle_less_at_most_what_is_said(words: list[str], capacity: int) -> None:
    found = FrequentWords(capacity)
    for word in words:
        found.add(word)
        assert len(found.most(10**6, 1)) <= capacity
    exact, counts = Counter(words), dict(found.most(10**6, 1))
    assert found.added == len(words)
    assert all(exact[word] - found.too_low_by <= counts.get(word, 0) <= exact[word] for word in exact)
    assert found.too_low_by <= 2 * len(words) / capacity
    if len(exact) <= capacity:
        assert counts == exact


@given(WORDS, st.integers(1, 5), st.integers(0, 5))
def test_the_most_frequent_come_first_and_rare_ones_not_at_all(
    words: list[str], size: int, least: int
) -> None:
    found = FrequentWords(100)
    for word in words:
        found.add(word)
    wanted = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    assert found.most(size, least) == [item for item in wanted if item[1] >= least][:size]


def test_a_million_odd_words_do_not_displace_a_shops_own() -> None:
    found = FrequentWords(1_000)
    for number in range(100_000):
        found.add(f"odd {number}")
        if number % 50 == 0:
            found.add("our own")
    [(word, count), *_] = found.most(1, 1)
    assert word == "our own"
    assert 2_000 - found.too_low_by <= count <= 2_000
