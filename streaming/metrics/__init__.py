"""What an operator can watch: every metric is declared with its meaning before anything is told of it.

declared → a stage's Observer, or the watch (streaming/monitor) → streaming/metrics/prometheus.py → /metrics
"""
