"""What the stages need of the stores, and nothing of how: each port has its real adapter and a remembering stand-in,
and one contract suite runs over both (tests/contract)."""
