"""The dedup store in Redis with RedisBloom; each step is one Lua script."""
