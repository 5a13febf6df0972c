"""`./vitrine words`: the words of sessions that are on no list, so that an operator can name them."""
