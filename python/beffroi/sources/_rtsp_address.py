"""The address of a stream: what is wrong with it, and how it is shown without what nobody may read."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from beffroi.conceal import remember

# Keys under which cameras take passwords outside the place that an address has for them.
_SECRET = re.compile(r"(?i)\b(user(?:name)?|usr|pass(?:word|wd)?|pwd|token|auth|key)=[^&?/#]*")


def wrong(url: str) -> str | None:  # noqa: PLR0911 - a list of mistakes
    """What is wrong with the address of a stream; None if nothing is. Names no part that may be secret."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme.lower() not in {"rtsp", "rtsps"}:
        got = f"{scheme}://" if colon and re.fullmatch(r"[A-Za-z0-9+.-]{1,16}", scheme) else "something else"
        return f"should begin with rtsp:// or rtsps://, not {got}"
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        return "holds a space or a line break; a space is written %20"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(authority) :]
    user, at, host = authority.rpartition("@")
    if not at and "@" in behind and not _is_place(host):
        # What looks like a host with a port is the user name and the beginning of the password.
        return "a /, ? or # in the user name or password is written %2F, %3F or %23"
    if "@" in user:
        return "an @ in the user name or password is written %40"
    if re.search(r"%(?![0-9A-Fa-f]{2})", user):
        return "a % in the user name or password is written %25"
    if not host or host.startswith(":"):
        return "names no host; right is rtsp://HOST/PATH or rtsp://USER:PASSWORD@HOST:PORT/PATH"
    if not _is_place(host):
        return "the host is not HOST or HOST:PORT with a port of 1 to 65535; IPv6 is written [ADDRESS]:PORT"
    return None


def shown(url: str) -> str:
    """The address as anybody may read it: without user, password, query, or keys that look like either."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(authority) :]
    path = re.split(r"[?#]", behind, maxsplit=1)[0]
    query = "?..." if len(path) < len(behind) else ""
    path = _SECRET.sub(r"\1=...", path)
    return f"{scheme}://{authority.rpartition('@')[2]}{path}{query}"


def conceal_credentials(url: str) -> None:
    """From now on no text shows the password of this address, nor user and password together."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    name, colon, password = user.partition(":")
    if at:
        remember(user, "CREDENTIALS")
        remember(unquote(user), "CREDENTIALS")
    if colon:
        remember(password, "PASSWORD")
        remember(unquote(password), "PASSWORD")
    elif name:
        remember(name, "CREDENTIALS")
    for match in _SECRET.finditer(url):
        remember(match.group().partition("=")[2], "CREDENTIALS")


def _is_place(host: str) -> bool:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[\w.-]+)(?::(\d{1,5}))?", host)
    return found is not None and (found.group(2) is None or 0 < int(found.group(2)) <= 65535)
