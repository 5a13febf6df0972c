"""The event contract: what a session is, how its bytes are read, where they travel. Pure; every stage reads it here."""
