"""The event contract: what a session is, how its bytes are read, where they travel. Pure.

Every stage reads it here.
"""
