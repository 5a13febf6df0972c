"""Instruments that measure and attack the product. The product never imports them."""
