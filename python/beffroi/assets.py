"""Weights and clips: where they are, and how to get them. Nothing of it is part of the package.

A file is looked for in the folder named by ``BEFFROI_ASSETS``, in ``../shared/assets`` beside the
repository or the working directory, then in the cache (``$XDG_CACHE_HOME/beffroi``). A model that is
nowhere is downloaded into the cache from the public address in its manifest, and kept only if it is the
very file that the manifest names.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import IO, Literal
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from beffroi.errors import AssetError
from beffroi.manifest import Manifest, shipped

CHUNK = 1 << 16
TIMEOUT_S = 30.0

Progress = Callable[[int, int], None]
"""Called with the bytes so far and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file that beffroi knows how to get."""

    name: str
    file: str
    bytes: int
    licence: str
    path: Path | None
    """Where it was found; None if it would have to be downloaded."""
    state: Literal["ready", "damaged", "absent"]


def locate(name: str, *, download: bool = True) -> Path:
    """The file of an asset such as ``models/deimv2-femto.onnx`` or ``clips/street.mp4``.

    Raises
    ------
    AssetError
        If it is nowhere; says where it was looked for and how to get on.
    """
    inner = PurePosixPath(name)
    if inner.is_absolute() or ".." in inner.parts or not inner.parts:
        raise AssetError(f"{name!r} does not name an asset: expected a place below the assets folder")
    looked = [root / inner for root in roots()]
    for path in looked:
        if path.exists():
            return path
    manifest = next((each for each in shipped().values() if each.file == name), None)
    if manifest is not None and download:
        return fetch(manifest)
    places = "".join(f"\n  {path}" for path in looked)
    raise AssetError(f"{name} was not found; looked at{places}\n{_advice(name, manifest)}")


def roots() -> list[Path]:
    """The folders that are searched, in order."""
    named = os.environ.get("BEFFROI_ASSETS")
    places = [Path(named).expanduser()] if named else []
    repository = Path(__file__).resolve().parents[2]
    if (repository / "pyproject.toml").exists():
        places.append(repository.parent / "shared" / "assets")
    places.append(Path.cwd().parent / "shared" / "assets")
    return list(dict.fromkeys([*places, cache()]))


def cache() -> Path:
    """The folder that downloads go to; it may not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "beffroi"


def known() -> list[Asset]:
    """Every model that beffroi has a manifest for, and whether it is here and whole."""
    return [_state(manifest) for manifest in shipped().values()]


def fetch(manifest: Manifest, folder: Path | None = None, progress: Progress | None = None) -> Path:
    """Download the weights of `manifest` below `folder` (default: the cache) and return the file.

    What arrives is checked before it gets its name: an interrupted or wrong download leaves nothing behind
    and does not touch a file that is already there.

    Raises
    ------
    AssetError
        If there is no address, the download fails, or size or checksum are not those of the manifest.
    """
    target = (folder or cache()) / manifest.file
    address = manifest.address
    if address is None:
        raise AssetError(f"{manifest.name}: its manifest has no public address; put the file at {target}")
    if urlsplit(address).scheme not in {"http", "https"}:
        raise AssetError(f"{manifest.name}: {address} is not an http or https address")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise AssetError(f"{error.filename or target}: cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            _download(manifest, address, file, progress)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except (URLError, HTTPException, TimeoutError, OSError) as error:
        raise AssetError(
            f"{manifest.name}: cannot be downloaded from {address}: {error}; "
            f"on a machine without network, put the file at {target}"
        ) from error
    finally:
        Path(draft).unlink(missing_ok=True)
    return target


def sha256(path: Path) -> str:
    """Checksum of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(manifest: Manifest, address: str, file: IO[bytes], progress: Progress | None) -> None:
    digest, size = hashlib.sha256(), 0
    request = Request(address, headers={"User-Agent": "beffroi"})
    with urlopen(request, timeout=TIMEOUT_S) as answer:
        while chunk := answer.read(CHUNK):
            size += len(chunk)
            if size > manifest.bytes:
                break
            digest.update(chunk)
            file.write(chunk)
            if progress is not None:
                progress(size, manifest.bytes)
    if size != manifest.bytes:
        got = f"more than {manifest.bytes}" if size > manifest.bytes else str(size)
        raise AssetError(f"{manifest.name}: {address} gave {got} bytes, expected {manifest.bytes}; not kept")
    if digest.hexdigest() != manifest.sha256:
        raise AssetError(
            f"{manifest.name}: {address} gave another file (sha256 {digest.hexdigest()}, "
            f"expected {manifest.sha256}); not kept"
        )


def _state(manifest: Manifest) -> Asset:
    path = next((place for root in roots() if (place := root / manifest.file).exists()), None)
    state: Literal["ready", "damaged", "absent"] = "absent"
    if path is not None:
        state = "ready" if sha256(path) == manifest.sha256 else "damaged"
    return Asset(manifest.name, manifest.file, manifest.bytes, manifest.licence, path, state)


def _advice(name: str, manifest: Manifest | None) -> str:
    if manifest is not None:
        return f"`beffroi assets fetch {manifest.name}` downloads it"
    if name.startswith("models/"):
        return f"no such model is known; known: {', '.join(shipped())}"
    return (
        f"it has no public address: put it at {cache() / name}, or set BEFFROI_ASSETS to the folder "
        f"that holds {PurePosixPath(name).parts[0]}/"
    )
