"""What a model may look at: rows, public schemas, encoding. Pure."""
