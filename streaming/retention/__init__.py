"""How long every store keeps what it holds, and the deletion of what is older (`./vitrine retention`).

settings.py has the settings, plan.py says what is due at a moment, boundary.py what others must know of it;
all three are pure. record.py remembers what was deleted, run.py carries the plan out: sessions.py deletes in
MongoDB, extracts.py rewrites Parquet files, files.py removes folders and logs.
"""
