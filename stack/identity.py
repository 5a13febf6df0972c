"""A key and its certificate, as the files of a folder that its owner alone may read."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """Who has these files is taken for us, and is trusted: each side of a connection shows the same
    certificate and accepts no other."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """PEM. No secret."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """PEM, without a password: the folder is its owner's."""
        return self.folder / "key.pem"

    @property
    def store(self) -> Path:
        """Key and certificate as PKCS #12, which Java and browsers read."""
        return self.folder / "store.p12"

    @property
    def password(self) -> Path:
        """The password of `store`."""
        return self.folder / "password"
