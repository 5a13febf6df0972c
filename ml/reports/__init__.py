"""The public report on a run: what drives a purchase, what privacy costs, what is promised."""
