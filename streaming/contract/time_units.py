"""Lengths of time in milliseconds, the unit of all times in the contract. Pure."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
