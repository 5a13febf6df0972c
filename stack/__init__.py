"""The native local stack and the `vitrine` command."""
