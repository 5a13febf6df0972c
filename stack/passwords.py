"""The passwords of each principal: one for each store, which follow from one generated secret in a file that
only its owner may read; and the keys of imports and of pseudonyms, in files too. Standard library only.

Whoever learns the password for one store has none for another: Kafka, for one, must know all its users'.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

from stack import secret_file
from stack.layout import Layout
from stack.principals import Principal, Store

BYTES = 32


def of(layout: Layout, store: Store, principal: Principal) -> str:
    """Returns the password of `principal` for `store` and no other: letters, digits, `-` and `_`."""
    return derived(generated(layout, principal), store)


def derived(secret: str, store: Store) -> str:
    """Returns the password for `store` that follows from the generated `secret`, which nobody can compute
    from it, nor the one for another store."""
    digest = hmac.digest(secret.encode(), f"vitrine password for {store}".encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def file(layout: Layout, name: str) -> Path:
    """Returns the file that contains the secret called `name`, that of a principal for example, and nothing
    else."""
    return layout.passwords / name


def generated(layout: Layout, name: str) -> str:
    """Returns the secret called `name`; a principal's is told to no store and no service. Makes it at the
    first call; it never changes while the file exists."""
    return secret_file.read(file(layout, name), secrets.token_urlsafe(BYTES))
