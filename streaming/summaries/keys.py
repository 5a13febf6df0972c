"""Deterministic document ids: the Kafka key of a document and its `_id` in Elasticsearch. Pure."""

from hashlib import sha256

MAX_BYTES = 512
"""Elasticsearch accepts no longer `_id`."""


def bounded(key: str) -> str:
    """Returns `key`, or `sha256:` and its digest if its UTF-8 is too long for an `_id`."""
    if len(key) * 4 <= MAX_BYTES:
        return key
    raw = key.encode()
    return key if len(raw) <= MAX_BYTES else f"sha256:{sha256(raw).hexdigest()}"
