"""`./vitrine backup` and `./vitrine restore`: all that cannot be rebuilt from the log (decision 65)."""
