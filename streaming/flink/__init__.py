"""Clients of a Flink cluster."""
