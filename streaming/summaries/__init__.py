"""What follows from valid sessions: summaries, window aggregates, and the sentiment of reviews.

Pure except for `job.py`, which runs the same functions inside Flink and is the only importer of pyflink, and
the processes around it.
"""
