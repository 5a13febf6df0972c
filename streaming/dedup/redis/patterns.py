"""Patterns of Redis keys. Pure."""


def literal(key: bytes) -> bytes:
    """Returns `key` as a pattern that matches only itself."""
    return b"".join(b"\\" + bytes([c]) if c in b"*?[]\\^-" else bytes([c]) for c in key)
