"""Secrets at rest: the only place that encrypts and decrypts vendor secrets and tokens, and that hashes passwords and tokens."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets as random_secrets
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# OWASP's cost for argon2id: 22 ms here, where the library's default took ten times as long and blocked a login page.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class CannotDecrypt(Exception):
    """None of the encryption keys opens a stored secret: WARRANTY_ENCRYPTION_KEYS lacks the key it was written with."""


class SecretBox:
    """Encrypts with the first key, decrypts with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        fernets = [Fernet(key) for key in keys]
        self._first, self._fernet = fernets[0], MultiFernet(fernets)
        self._by_fingerprint = {_fingerprint(key): fernet for key, fernet in zip(keys, fernets, strict=True)}

    def seal(self, values: Mapping[str, str]) -> str:
        """The values as one opaque text."""
        return self._fernet.encrypt(json.dumps(dict(values), sort_keys=True).encode()).decode()

    def open(self, sealed: str) -> dict[str, str]:
        """What ``seal`` was given.

        Raises:
            CannotDecrypt: the text was written with a key that is not among ours.
        """
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as err:
            raise CannotDecrypt("WARRANTY_ENCRYPTION_KEYS holds no key that opens this secret.") from err
        return opened

    def is_current(self, sealed: str) -> bool:
        """Whether the first key opens it, so that no older one is needed for it.

        Raises:
            CannotDecrypt: as ``open``.
        """
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            self.open(sealed)
            return False
        return True

    @property
    def fingerprints(self) -> frozenset[str]:
        """What tells each key from others and does not reveal it."""
        return frozenset(self._by_fingerprint)

    def opened_by(self, sealed: str) -> str | None:
        """The fingerprint of the key that opens a secret; null where none does."""
        for fingerprint, fernet in self._by_fingerprint.items():
            try:
                fernet.decrypt(sealed.encode())
            except InvalidToken:
                continue
            return fingerprint
        return None

    def reseal(self, sealed: str) -> str:
        """The same values, sealed with the first key."""
        return self.seal(self.open(sealed))


def _fingerprint(key: str) -> str:
    """A key has 256 random bits, so nobody guesses it from a plain hash."""
    return hashlib.sha256(f"encryption key\n{key}".encode()).hexdigest()[:16]


def hash_password(password: str) -> str:
    """An argon2id hash."""
    return _HASHER.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Whether the password is the one hashed; an unknown user (None) costs the same work as a known one."""
    try:
        _HASHER.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether a hash was made with other costs than today's."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _nobody() -> str:
    return _HASHER.hash(random_secrets.token_urlsafe(16))


def token_digest(secret: str) -> str:
    """What is stored of an API token's secret. It has 256 random bits, so one plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
