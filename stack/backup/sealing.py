"""Encrypts files as streams: AES-256-GCM in chunks, each of which is authenticated with its place and whether
it is the last (the construction STREAM). So none can be changed, left out, moved or added.

The key of a file follows from the passphrase (scrypt, with the backup's salt) and the file's name, so that
the files of one backup cannot be exchanged, and no nonce is used twice.
"""

import io
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from stack.backup.manifest import Refused

MAGIC = b"vitrine backup: scrypt, AES-256-GCM in chunks of 1 MiB\n"
SALT_BYTES = 16
CHUNK_BYTES = 1 << 20
_TAG_BYTES = 16
_KEY_BYTES = 32
_SCRYPT_N = 1 << 17


class Writable(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> int: ...


@dataclass(frozen=True)
class Sealing:
    """The passphrase and the salt of one backup."""

    passphrase: bytes = field(repr=False)
    salt: bytes

    @classmethod
    def fresh(cls, passphrase: bytes) -> "Sealing":
        """Returns a sealing for a new backup."""
        return cls(passphrase, secrets.token_bytes(SALT_BYTES))

    def cipher(self, file: str) -> AESGCM:
        """Returns the cipher of the file called `file`."""
        expand = HKDFExpand(algorithm=SHA256(), length=_KEY_BYTES, info=b"file " + file.encode())
        return AESGCM(expand.derive(_stretched(self.passphrase, self.salt)))


@lru_cache(maxsize=2)
def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=_KEY_BYTES, n=_SCRYPT_N, r=8, p=1).derive(passphrase)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class SealingWriter:
    """Encrypts what is written to it. Without `close` the file is torn, and recognised as such."""

    def __init__(self, out: Writable, sealing: Sealing, file: str) -> None:
        self._out, self._cipher = out, sealing.cipher(file)
        self._waiting, self._number = bytearray(), 0
        out.write(MAGIC + sealing.salt)

    def write(self, data: bytes, /) -> int:
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:  # what may be the last chunk waits for `close`
            self._put(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        self._put(bytes(self._waiting), last=True)

    def _put(self, chunk: bytes, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._number, last), chunk, None))
        self._number += 1


class _Opened(io.RawIOBase):
    def __init__(self, sealed: BinaryIO, sealing: Sealing, file: str) -> None:
        self._sealed, self._cipher, self._file = sealed, sealing.cipher(file), file
        self._next = sealed.read(CHUNK_BYTES + _TAG_BYTES)
        self._plain, self._number, self._ended = memoryview(b""), 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview, /) -> int:  # type: ignore[override]
        while not self._plain and not self._ended:
            chunk, self._next = self._next, self._sealed.read(CHUNK_BYTES + _TAG_BYTES)
            self._ended = not self._next
            try:
                plain = self._cipher.decrypt(_nonce(self._number, self._ended), chunk, None)
            except (InvalidTag, ValueError):
                raise Refused(
                    f"{self._file} cannot be decrypted: another passphrase, or it is torn or altered"
                ) from None
            self._plain, self._number = memoryview(plain), self._number + 1
        count = min(len(into), len(self._plain))
        into[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count


def salt_of(sealed: BinaryIO, file: str) -> bytes:
    """Reads and returns the salt at the beginning of a sealed file. Raises Refused if it is none."""
    begins = sealed.read(len(MAGIC) + SALT_BYTES)
    if not begins.startswith(MAGIC) or len(begins) != len(MAGIC) + SALT_BYTES:
        raise Refused(f"{file} is not an encrypted file of a backup: it is torn or altered")
    return begins[len(MAGIC) :]


def opened(sealed: BinaryIO, sealing: Sealing, file: str) -> io.BufferedReader:
    """Returns the plain content of `sealed`, a file called `file` of the backup of `sealing`. Reading raises
    Refused if anything in it was changed, or its end is missing."""
    if salt_of(sealed, file) != sealing.salt:
        raise Refused(f"{file} is of another backup")
    return io.BufferedReader(_Opened(sealed, sealing, file), CHUNK_BYTES)
