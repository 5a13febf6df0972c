"""What every part asks of Kafka: clients, transactions, offsets and lag, dead letters, the batch runner."""
