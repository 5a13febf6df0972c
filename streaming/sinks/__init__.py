"""Stages that carry a topic into a store: valid sessions into MongoDB, documents into Elasticsearch."""
