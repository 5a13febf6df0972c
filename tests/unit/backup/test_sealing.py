"""An encrypted file of a backup comes back as it was, and no change of it goes unseen."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.backup import sealing
from stack.backup.manifest import Refused
from stack.backup.sealing import CHUNK_BYTES, Sealing, SealingWriter

KEY = Sealing.fresh(b"correct horse battery staple")
TAG = 16
HEAD = len(sealing.MAGIC) + sealing.SALT_BYTES


def sealed(content: bytes, file: str = "mongodb.sealed", key: Sealing = KEY) -> bytes:
    out = io.BytesIO()
    writer = SealingWriter(out, key, file)
    for start in range(0, len(content), 700_000):
        writer.write(content[start : start + 700_000])
    writer.close()
    return out.getvalue()


def plain(content: bytes, file: str = "mongodb.sealed", key: Sealing = KEY) -> bytes:
    return sealing.opened(io.BytesIO(content), key, file).read()


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_was_sealed_comes_back(size: int) -> None:
    content = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
    there = sealed(content[:size])
    assert plain(there) == content[:size]
    assert size < 100 or content[:50] not in there


THREE = sealed(b"a" * CHUNK_BYTES + b"b" * CHUNK_BYTES + b"c" * 10)
FIRST, SECOND, LAST = (
    slice(HEAD, HEAD + CHUNK_BYTES + TAG),
    slice(HEAD + CHUNK_BYTES + TAG, HEAD + 2 * (CHUNK_BYTES + TAG)),
    slice(HEAD + 2 * (CHUNK_BYTES + TAG), None),
)


@pytest.mark.parametrize(
    "altered",
    [
        THREE[: LAST.start],
        THREE[: SECOND.start],
        THREE[:HEAD],
        THREE[:-1],
        THREE[: HEAD // 2],
        THREE + b"x",
        THREE + THREE[LAST],
        THREE[:HEAD] + THREE[SECOND] + THREE[FIRST] + THREE[LAST],
        THREE[:HEAD] + THREE[FIRST] + THREE[LAST],
        THREE[:HEAD] + THREE[FIRST] + THREE[FIRST] + THREE[SECOND] + THREE[LAST],
        b"plain" + THREE,
        b"",
    ],
    ids=[
        "without its last chunk", "one chunk", "no chunk", "without its last byte", "half a head",
        "a byte more", "its end twice", "chunks exchanged", "a chunk left out", "a chunk twice",
        "another head", "empty",
    ],
)  # fmt: skip
def test_chunks_cannot_be_cut_moved_or_added(altered: bytes) -> None:
    with pytest.raises(Refused):
        plain(altered)


@given(st.data())
def test_no_bit_can_be_changed(data: st.DataObject) -> None:
    there = bytearray(sealed(b"secret of the shop"))
    there[data.draw(st.integers(0, len(there) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Refused):
        plain(bytes(there))


def test_another_passphrase_another_file_and_another_backup_are_refused() -> None:
    there = sealed(b"secret")
    with pytest.raises(Refused, match="cannot be decrypted"):
        plain(there, key=Sealing(b"another passphrase", KEY.salt))
    with pytest.raises(Refused, match="cannot be decrypted"):
        plain(there, file="ledger.sealed")
    with pytest.raises(Refused, match="of another backup"):
        plain(there, key=Sealing.fresh(KEY.passphrase))


def test_a_writer_that_was_not_closed_leaves_a_torn_file() -> None:
    out = io.BytesIO()
    SealingWriter(out, KEY, "mongodb.sealed").write(b"x" * (2 * CHUNK_BYTES + 1))
    with pytest.raises(Refused):
        plain(out.getvalue())


def test_the_passphrase_is_in_no_representation() -> None:
    assert "horse" not in repr(KEY)
