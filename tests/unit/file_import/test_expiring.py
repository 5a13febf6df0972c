"""Sessions of an import that are older than what is kept."""

from streaming.file_import.expiring import Expiring


def test_only_older_sessions_are_counted() -> None:
    expiring = Expiring(100)
    for message in (
        b'{"eventTimeMs":99,"more":1}', b'{"eventTimeMs":100}', b'{"eventTimeMs":-1}', b'{"eventTimeMs":"x"}',
        b"{}", b"", b"\xff", b"[" * 100_000,
    ):  # fmt: skip
        expiring.note(message)
    assert expiring.count == 2


def test_for_ever_counts_none() -> None:
    expiring = Expiring(0)
    expiring.note(b'{"eventTimeMs":-1}')
    assert expiring.count == 0
