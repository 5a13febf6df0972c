"""A stream of BSON in sections: a document that says what follows, then `{"document": …}` for each."""

from collections.abc import Iterator
from typing import BinaryIO

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

RAW = CodecOptions(document_class=RawBSONDocument)
"""As bytes, so that no number or time becomes another on the way."""


def share(name: str, count: int, about: int) -> str:
    """Returns how far it is, in words."""
    return f"{name} {min(99, 100 * count // max(about, 1)):d} %"


def sections(saved: BinaryIO, head: str) -> Iterator[tuple[RawBSONDocument, Iterator[RawBSONDocument]]]:
    """Yields each document with the field `head`, with those that follow until the next. All of one section
    must be taken before the next."""
    rest = bson.decode_file_iter(saved, RAW)
    coming = next(rest, None)

    def following() -> Iterator[RawBSONDocument]:
        nonlocal coming
        for one in rest:
            if head in one:
                coming = one
                return
            yield one
        coming = None

    while coming is not None:
        yield coming, following()
