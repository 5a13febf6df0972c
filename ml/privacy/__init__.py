"""Differential privacy: the arithmetic, the noise, and the statement that travels with every model."""
