"""The short random names that people read out on the telephone: no vowels and no look-alikes, so never a word and never a guess."""

import secrets

ALPHABET = "23456789BCDFGHJKLMNPQRSTVWXZ"


def make(prefix: str, groups: int = 2) -> str:
    """A new name such as ``WR-7KQ2-M9XD-B4TV``: ``groups`` of four signs, 19 random bits each."""
    parts = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(groups))
    return "-".join((prefix, *parts))
