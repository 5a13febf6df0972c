"""Differential privacy: the accounting, the noise, and the statement that travels with every model."""
