"""A Flink cluster as a client sees it."""
