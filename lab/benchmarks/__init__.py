"""Benchmarks: each compares a part of the product with a bare client or another implementation in one run."""
