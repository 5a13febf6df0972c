"""Extracts valid sessions from MongoDB to Parquet files; each session is in exactly one file."""
