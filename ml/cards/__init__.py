"""Model cards (Mitchell et al. 2019), written from what the code itself states: `python -m ml.cards`."""
