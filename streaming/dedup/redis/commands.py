"""Redis' access rules for the dedup store and its readers, by the commands that they use. Pure. Standard
library only: docker/make_secrets.py runs on the host's Python.

Redis checks the commands within a script too. The contract suite runs with these rights, so that a command
missing here fails there.
"""

from collections.abc import Iterable

DEFAULT_USER = "user default off resetpass ~* &* +@all"
"""The line of the default user. Nobody can log in as it, but Redis itself replays its append-only file with
its rights: without them it would drop what scripts wrote."""

READING = ("ping", "info", "get", "hget", "hkeys", "pfcount", "bf.info")
"""What the counters of distinct users and the fill of the filters are read with."""

WATCHING = (*READING, "dbsize")
"""What the monitor needs."""

CLAIMING = (
    *READING,
    *("script|load", "script|exists", "eval", "evalsha", "scan"),
    *("mget", "set", "exists", "del", "unlink", "pexpire", "pexpireat", "pttl"),
    *("hgetall", "hlen", "hset", "hdel", "sadd", "srem", "smembers", "pfadd", "pfmerge"),
    *("bf.reserve", "bf.insert", "bf.mexists"),
)
"""What a gate needs: it claims, counts, and rebuilds its keys."""


def rights(key_prefix: str, commands: Iterable[str]) -> tuple[str, ...]:
    """Returns the access rules for `commands` on the dedup store's keys, and on no other key or channel."""
    # A space would end the rule, and the others have a meaning in a pattern.
    literal = "".join(sign if sign.isalnum() or sign in "-_:.{}" else "?" for sign in key_prefix)
    return (f"~{literal}{{gate}}:*", *(f"+{name}" for name in commands))
