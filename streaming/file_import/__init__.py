"""A file of real sessions or shop events, sent through the gate, and what became of it."""
