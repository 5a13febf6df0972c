"""Model cards (Mitchell et al. 2019), generated from the code: `python -m ml.cards`."""
