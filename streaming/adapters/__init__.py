"""Thin clients of the real components, and remembering stand-ins for unit tests."""
