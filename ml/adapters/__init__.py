"""The real stores behind the ports of `ml`, each with its remembering stand-in."""
