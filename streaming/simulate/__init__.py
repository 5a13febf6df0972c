"""Simulates a furniture shop: people with habits, and the messages of their sessions."""
