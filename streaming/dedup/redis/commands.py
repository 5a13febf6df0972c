"""The commands that the dedup store and its readers use, for Redis' access rules. Pure.

Redis checks the commands within a script too. The contract suite runs with these rights, so that a command
missing here fails there.
"""

READING = ("ping", "info", "get", "hget", "hkeys", "pfcount", "bf.info")
"""What the counters of distinct users and the fill of the filters are read with."""

CLAIMING = (
    *READING,
    *("script|load", "script|exists", "eval", "evalsha", "scan"),
    *("mget", "set", "exists", "del", "unlink", "pexpire", "pexpireat"),
    *("hgetall", "hset", "hdel", "sadd", "srem", "smembers", "pfadd"),
    *("bf.reserve", "bf.insert", "bf.mexists"),
)
"""What a gate needs: it claims, counts, and rebuilds its keys."""
