"""Metrics for operators: each is declared with its meaning in catalogue.py.

catalogue.py → a stage's Observer, or the monitor (streaming/monitor) → prometheus.py → /metrics
"""
