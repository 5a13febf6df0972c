"""`./vitrine score`: what a private model thinks of one session, and why. For the trusted machine alone."""
