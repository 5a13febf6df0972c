"""Files of all kinds: plain, gzip, damaged, empty, with unusual line ends, or in another format."""

import gzip
import io
from pathlib import Path

import pytest

from streaming.contract.feeds import ImportKeys
from streaming.file_import import source
from streaming.file_import.shop_events import COLUMNS
from streaming.file_import.source import Format, SourceError

KEYS = ImportKeys(("key",))
HEADER = ",".join(COLUMNS).encode()


def lines_of(path: Path) -> list[bytes]:
    return [line for block in source.blocks(path) for line in block.lines]


@pytest.mark.parametrize("zipped", [False, True])
def test_lines_without_ends_blanks_and_byte_order_mark(tmp_path: Path, zipped: bool) -> None:
    content = b"\xef\xbb\xbffirst\r\n\r\n  \nsecond\n\nthird"
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert lines_of(path) == [b"first", b"second", b"third"]


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 7, 1_000])
def test_blocks_of_any_size_give_the_same_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n\nccc\r\nd\re\n" + b"x" * 20)
    monkeypatch.setattr(source, "_BLOCK_BYTES", block_bytes)
    assert lines_of(path) == [b"a,b", b"ccc", b"d\re", b"x" * 20]


def test_a_line_without_end_stays_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_LINE_BYTES", 10)
    monkeypatch.setattr(source, "_BLOCK_BYTES", 16)
    path = tmp_path / "file"
    path.write_bytes(b"short\n" + b"y" * 1_000 + b"\nexactly10!\nelevenbytes\nlast")
    assert lines_of(path) == [b"short", b"y" * 11, b"exactly10!", b"elevenbytes", b"last"]


@pytest.mark.parametrize(
    ("name", "first", "expected"),
    [
        ("any", HEADER, Format.SHOP_EVENTS),
        ("any", b"\xef\xbb\xbf" + HEADER, Format.SHOP_EVENTS),
        ("any", ",".join(["extra", *reversed(COLUMNS)]).encode(), Format.SHOP_EVENTS),
        ("any", b'"Event_Time", ' + HEADER.partition(b",")[2], Format.SHOP_EVENTS),
        ("any", b'\n \r\n{"schemaVersion":1', Format.JSON_LINES),
        ("any", b" {", Format.JSON_LINES),
        ("broken.JSONL.gz", b"\xff\xfe", Format.JSON_LINES),
        ("broken.ndjson", b"[1]", Format.JSON_LINES),
    ],
)
def test_formats_are_recognised_by_the_first_line(
    tmp_path: Path, name: str, first: bytes, expected: Format
) -> None:
    path = tmp_path / name
    path.write_bytes(first + b"\nmore\n")
    assert source.recognise(path) is expected


def test_a_feed_is_named_after_the_bytes(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    for path, content in ((one, b"x"), (same, b"x"), (other, b"y")):
        path.write_bytes(content)
    assert source.feed_of(one, KEYS) == source.feed_of(same, KEYS)
    assert source.feed_of(one, KEYS).startswith("import-2d711642b726-")
    assert source.feed_of(one, KEYS) != source.feed_of(other, KEYS)


def test_without_a_key_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x")
    with pytest.raises(SourceError, match="VITRINE_IMPORT_KEYS is not set"):
        source.feed_of(tmp_path / "one", ImportKeys())


def test_a_file_that_cannot_be_imported_raises_a_clear_error(tmp_path: Path) -> None:
    def read_as_a_source(path: Path) -> None:
        source.recognise(path)
        lines_of(path)

    def message(name: str, content: bytes | None) -> str:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SourceError) as raised:
            read_as_a_source(path)
        return str(raised.value)

    assert "No such file" in message("missing", None)
    assert "is empty" in message("empty", b"")
    assert "is empty" in message("blank", b"\n \r\n\n")
    assert "is empty" in message("empty.gz", gzip.compress(b""))
    assert "lacks event_time, event_type" in message("other.csv", b"a,b,c\n1,2,3\n")
    assert "lacks user_session" in message("less.csv", HEADER.replace(b",user_session", b""))
    assert "damaged" in message("cut.gz", gzip.compress(HEADER + b"\nx" * 10_000)[:-20])
    assert "damaged" in message("noise.gz", b"\x1f\x8b" + b"noise" * 100)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as zipped:
        zipped.write(HEADER)
    assert "damaged" in message("crc.gz", buffer.getvalue()[:-8] + b"\0" * 8)
    with pytest.raises(SourceError, match="directory"):
        source.recognise(tmp_path)
