"""Measurements of the learning side, each a module that prints one JSON object."""
