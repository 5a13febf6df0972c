"""Instruments that measure and torment the product, and are never imported by it."""
