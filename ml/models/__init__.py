"""Models that predict a purchase, with one interface: three private models, the non-private baseline and the
Laplace baseline."""
