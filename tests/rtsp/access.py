"""Who is let in: basic (RFC 7617) and digest authentication (RFC 7616, MD5 with qop=auth)."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from hashlib import md5

REALM = "camera"


def challenge(scheme: str, nonce: str) -> str:
    """The value of `WWW-Authenticate`; a camera that refuses everybody asks as the others do."""
    if scheme == "basic":
        return f'Basic realm="{REALM}"'
    return f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5, qop="auth"'


def admitted(scheme: str, answer: str, method: str, user: str, password: str, nonce: str) -> bool:
    """Whether the value of `Authorization` proves that the client knows user and password."""
    given, _, rest = answer.partition(" ")
    if given.lower() != scheme:
        return False
    if scheme == "basic":
        try:
            return b64decode(rest, validate=True).decode() == f"{user}:{password}"
        except (Error, UnicodeDecodeError):
            return False
    fields = {
        name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', rest)
    }
    if fields.get("username") != user or fields.get("nonce") != nonce:
        return False
    known = _hash(f"{user}:{REALM}:{password}")
    asked = _hash(f"{method}:{fields.get('uri', '')}")
    if "qop" in fields:
        middle = ":".join(fields.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
        return fields.get("response") == _hash(f"{known}:{middle}:{asked}")
    return fields.get("response") == _hash(f"{known}:{nonce}:{asked}")


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
