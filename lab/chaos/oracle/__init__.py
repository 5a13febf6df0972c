"""Computes the correct results from the raw topic, independently of the stages.

It imports nothing from the code that it checks (enforced by import-linter): only the standard library and, in
`readings`, the stores' client libraries. It implements the contract a second time, so that a mistake in the
product is not repeated here.
"""
