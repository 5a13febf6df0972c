"""The inputs of models: rows, public schemas, encoding. Pure."""
