"""`./vitrine score`: a private model's prediction for one session, with reasons. Trusted side only."""
