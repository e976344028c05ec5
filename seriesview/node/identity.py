"""Who the node is: its key pair, its ID, and the secret key that everything else is derived from."""

import hashlib
import hmac
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seriesview.errors import NodeError
from seriesview.node.private_files import read_secret, write_atomically
from seriesview.store.folders import Folder

NODE_ID_FILE = "kachery-node-id"
PUBLIC_KEY_FILE = "public.pem"
PRIVATE_KEY_FILE = "private.pem"


@dataclass(frozen=True)
class Identity:
    """The node's ID and keys."""

    node_id: str
    """64 hexadecimal digits: the ed25519 public key."""
    key: bytes
    """32 secret bytes, the same for as long as the node has its private key."""

    def derive(self, purpose: str) -> bytes:
        """Return 32 secret bytes for one purpose."""
        return hmac.digest(self.key, purpose.encode(), hashlib.sha256)


def load_identity(directory: Path) -> Identity:
    """Return the identity kept in a storage directory, made where there is none; raises NodeError."""
    try:
        return _load(directory)
    except OSError as error:
        raise NodeError(f"cannot keep the node's keys in {directory}: {error.strerror}") from error


def _load(directory: Path) -> Identity:
    private_file = directory / PRIVATE_KEY_FILE
    if os.path.lexists(private_file):
        private = _read_private(private_file)
    elif (directory / NODE_ID_FILE).exists() or (directory / PUBLIC_KEY_FILE).exists():
        raise NodeError(
            f"{directory} belongs to a node whose {PRIVATE_KEY_FILE} is missing; put it back, or delete "
            f"{NODE_ID_FILE} and {PUBLIC_KEY_FILE} to make a new node of it"
        )
    else:
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_atomically(private_file, pem, 0o600)
    public = private.public_key()
    node_id = public.public_bytes_raw().hex()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    readable = 0o644 & (directory.stat().st_mode | 0o600)
    _write_if_different(directory / PUBLIC_KEY_FILE, pem, readable)
    _write_if_different(directory / NODE_ID_FILE, node_id.encode(), readable)
    key = hmac.digest(private.private_bytes_raw(), b"seriesview node key", hashlib.sha256)
    return Identity(node_id, key)


def _read_private(path: Path) -> Ed25519PrivateKey:
    try:
        private = serialization.load_pem_private_key(read_secret(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NodeError(f"{path} is not a private key; put the right one back or delete it") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise NodeError(f"{path} is not an ed25519 key; put the right one back or delete it")
    return private


def _write_if_different(path: Path, data: bytes, mode: int) -> None:
    with suppress(OSError), Folder.at(path.parent) as folder:
        if folder.read(path.name, len(data) + 1) == data:
            return
    write_atomically(path, data, mode)
