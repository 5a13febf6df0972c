"""Who shops alike: MinHash signatures, banded look-up, exact re-check."""
