"""The Redis stage: lets each session through once, says who is new, and accounts for every raw message.

read → claim (Redis, one atomic step) → decide (pure) → write and commit in one Kafka transaction.
"""
