"""The access record: who looked at whom, and who changed a privacy budget. Append-only."""
