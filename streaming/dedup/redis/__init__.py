"""The dedup store in Redis with RedisBloom, each of its steps one Lua script."""
