"""The public report on a run: what drives a purchase, the price of privacy, and the guarantees."""
