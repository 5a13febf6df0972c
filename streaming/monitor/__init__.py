"""The watch: looks at every component from outside, and keeps what it saw of the last half hour.

probes (each in a thread of its own, each failing alone) → board → /metrics for Prometheus, /recent for the
page Health in the Airflow UI
"""
