"""Makes the stores' certificates, each key where its store alone sees it, and what clients trust.

The one service that runs as root, without a network: it gives each key to the user that its store runs as."""

import os
from pathlib import Path

from stack import certificates
from stack.identity import Identity

ROOT = Path("/certificates")
OWNERS = {"kafka": 1000, "redis": 999, "mongodb": 999, "elasticsearch": 1000, "postgres": 999}
"""The user that each store runs as: `user` in compose.yaml."""


def main(root: Path = ROOT) -> None:
    """Makes what is missing or ends within a year."""
    trusted = root / "trusted"
    trusted.mkdir(exist_ok=True)
    for store, uid in OWNERS.items():
        identity = Identity(root / store / "key")
        certificates.ensure(identity, {store, "localhost"})
        # Kafka and MongoDB read both from one file.
        both = identity.folder / "both.pem"
        certificates.write(both, identity.key.read_bytes() + identity.certificate.read_bytes())
        public = trusted / f"{store}.pem"
        certificates.write(public, identity.certificate.read_bytes())
        public.chmod(0o444)
        for path in (identity.folder, *identity.folder.iterdir()):
            os.chown(path, uid, uid)
    trusted.chmod(0o755)


if __name__ == "__main__":
    main()
