"""`./vitrine evaluate`: trains and tests every model on the user's CSV files."""
