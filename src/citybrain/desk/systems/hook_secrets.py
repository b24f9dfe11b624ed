"""Secrets of webhooks: they sign, so they can be read again, but sealed: a copy of the tables opens none."""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet

from citybrain.settings import get_settings

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """256 random bits, as Standard Webhooks writes a secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def sealed(secret: str) -> str:
    """The secret as the table keeps it."""
    return _seal().encrypt(secret.encode()).decode()


def opened(text: str) -> str:
    """The secret of a sealed text. Raises cryptography.fernet.InvalidToken for one sealed elsewhere."""
    return _seal().decrypt(text.encode()).decode()


def _seal() -> Fernet:
    key = hashlib.sha256(get_settings().secret("webhook_seal_key").encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
