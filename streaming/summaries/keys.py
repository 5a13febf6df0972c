"""Deterministic document ids: the Kafka key of a result and its `_id` in Elasticsearch."""

from hashlib import sha256

MAX_BYTES = 512
"""Elasticsearch takes no longer `_id`."""


def bounded(key: str) -> str:
    """`key` itself, or `sha256:` and its digest where its UTF-8 would not fit into an `_id`."""
    if len(key) * 4 <= MAX_BYTES:
        return key
    raw = key.encode()
    return key if len(raw) <= MAX_BYTES else f"sha256:{sha256(raw).hexdigest()}"
