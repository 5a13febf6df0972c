"""`./vitrine evaluate`: every model on a CSV of yours."""
