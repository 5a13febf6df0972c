"""Similar users: MinHash signatures, banded look-up, exact check."""
