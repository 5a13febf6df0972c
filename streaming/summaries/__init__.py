"""What a valid session says: its summary, its part in the hour's figures, the sentiment of its reviews.

Pure but for `job.py`, which runs these same functions inside Flink and is the only importer of pyflink.
"""
