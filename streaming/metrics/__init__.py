"""What an operator can watch: every metric is declared with its meaning before anything is told of it.

declared → a stage's Observer, or the watch (stack/watch) → streaming/adapters/prometheus.py → /metrics
"""
