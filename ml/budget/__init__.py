"""The privacy ledger: what may be lost about a user within a block of time, what has been, and who was
refused."""
