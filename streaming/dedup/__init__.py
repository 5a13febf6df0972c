"""The dedup store: which sessions and users were seen within the horizon, and by which raw message first."""
