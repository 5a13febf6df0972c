"""Pseudonyms of users and sessions: what every stage but the store knows them by. Pure; standard library
only.

Guarantee: whoever does not have the key learns from a pseudonym nothing of the ids in it, and cannot make
one, nor tell whether a guessed id has it. Among 10^9 users, or visits, any two share one with a probability
below 1 in 10^20. Whoever has the key can do all that, and the store keeps ids beside pseudonyms: so this is
pseudonymisation (art. 4 (5) GDPR), not anonymity. Unlike a label (streaming/access_record/label.py), a
pseudonym stays: it joins all visits of one user, which is what summaries, models and similar users need.

Unit: a user by its id alone; a session by its user's id and its own. So one user's session ids say nothing
about another's.

Assumptions: BLAKE2s with a key is a pseudorandom function (RFC 7693; it takes half the time of HMAC-SHA256);
the key was drawn at random, and is as secret as the ids. It is not changed while data made with it is kept:
another key makes other users of the same people.
"""

from hashlib import blake2s

DIGEST_BYTES = 16
KEY_CHARACTERS = 20
"""A shorter key could be guessed: its own digest is public."""


class Pseudonyms:
    """Makes pseudonyms with one key."""

    def __init__(self, key: str) -> None:
        """Raises ValueError if `key` is shorter than KEY_CHARACTERS."""
        if len(key) < KEY_CHARACTERS:
            raise ValueError(f"a key of pseudonyms has at least {KEY_CHARACTERS} characters")
        secret = blake2s(key.encode(), person=b"macs").digest()
        self.key_id = blake2s(secret, person=b"key id", digest_size=4).hexdigest()
        """Tells which key a pseudonym was made with, and nothing else of it."""
        # Copied for each id, which takes half the time of making them anew.
        self._of_users = blake2s(key=secret, person=b"user", digest_size=DIGEST_BYTES)
        self._of_sessions = blake2s(key=secret, person=b"session", digest_size=DIGEST_BYTES)

    def user(self, user_id: str) -> str:
        """Returns the pseudonym of a user, as 32 hexadecimal digits."""
        of_user = self._of_users.copy()
        of_user.update(user_id.encode())
        return of_user.hexdigest()

    def both(self, user_id: str, session_id: str) -> tuple[str, str]:
        """Returns the pseudonyms of a user and of one of its sessions."""
        of_user, of_session = self._of_users.copy(), self._of_sessions.copy()
        of_user.update(user_id.encode())
        user = of_user.digest()
        of_session.update(user + session_id.encode())  # the first always has the same length
        return user.hex(), of_session.hexdigest()

    def __repr__(self) -> str:
        return f"Pseudonyms({self.key_id})"
