"""Only who has a key can name an import."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from streaming.contract.feeds import Feeds, ImportKeys, is_named_like_an_import

KEY = st.text(st.characters(codec="ascii", exclude_characters=","), min_size=1, max_size=44)
DIGEST = st.binary().map(lambda content: hashlib.sha256(content).hexdigest())
FEED = st.from_regex(r"(live|import-[0-9a-f]{12}(-[0-9a-f]{24})?)", fullmatch=True) | st.text(max_size=128)


def by_oracle(keys: list[str], feed: str) -> bool:
    for key in keys:
        mark = hmac.digest(key.encode(), b"vitrine feed " + feed[:19].encode(), "sha256").hex()[:24]
        if len(feed) == 44 and feed == f"import-{feed[7:19]}-{mark}":
            return all(letter in "0123456789abcdef" for letter in feed[7:19])
    return False


@given(st.lists(KEY, max_size=3), DIGEST, KEY, FEED)
def test_a_name_is_accepted_if_one_of_the_keys_made_it(
    keys: list[str], digest: str, guess: str, other: str
) -> None:
    imports = ImportKeys(tuple(keys))
    tried = [other, ImportKeys((guess,)).feed(digest), *(ImportKeys((key,)).feed(digest) for key in keys)]
    for feed in tried:
        assert imports.made(feed) == by_oracle(keys, feed)
        assert Feeds(imports).accept(feed) == (feed == "live" or by_oracle(keys, feed))
        assert not imports.made(feed) or is_named_like_an_import(feed)
        assert imports.is_forged(feed) == (bool(keys) and len(feed) > 19 and is_named_like_an_import(feed)
                                           and not by_oracle(keys, feed))  # fmt: skip
    assert len(ImportKeys((guess,)).feed(digest)) <= 128


@given(KEY, DIGEST)
def test_the_same_file_is_the_same_feed_after_years(key: str, digest: str) -> None:
    assert ImportKeys((key,)).feed(digest) == ImportKeys((key, "later")).feed(digest)
    assert ImportKeys(("newer", key)).made(ImportKeys((key,)).feed(digest))
