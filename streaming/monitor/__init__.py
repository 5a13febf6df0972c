"""The monitor: probes every component from outside, and keeps the results of the last half hour.

probes (each in its own thread, each failing alone) → ProbeHistory → /metrics for Prometheus, /recent for the
page Health in the Airflow UI
"""
