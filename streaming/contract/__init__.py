"""The contract of session messages: their shape and rules, how bytes are parsed, and the topics. Pure.

All stages import it.
"""
