"""A key and its certificate, as files of a folder that only its owner may read."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """Both sides of a connection present this one certificate and accept no other, so that whoever can read
    these files is trusted."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """PEM. Not secret."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """PEM, without a password: only the owner can read the folder."""
        return self.folder / "key.pem"

    @property
    def store(self) -> Path:
        """Key and certificate as PKCS #12, which Java and browsers read."""
        return self.folder / "store.p12"

    @property
    def password(self) -> Path:
        """The password of `store`."""
        return self.folder / "password"

    def password_text(self) -> str:
        """Returns the password of `store`. Raises OSError, also for a link: who puts one there may not choose
        what root reads."""
        with os.fdopen(os.open(self.password, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as file:
            return file.read()
