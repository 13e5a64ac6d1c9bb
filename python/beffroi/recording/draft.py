"""Recordings that are under way, or were when their writer died."""

from __future__ import annotations

import logging
from pathlib import Path

from beffroi.errors import RecordingError

log = logging.getLogger(__name__)


def suffix_of(path: Path) -> str:
    """The suffix that decides the form: ``.jsonl.gz`` counts as one."""
    name = path.name.lower()
    return ".jsonl.gz" if name.endswith(".jsonl.gz") else path.suffix.lower()


def draft_of(path: Path) -> Path:
    """What a recording is called while it is written."""
    end = len(suffix_of(path))
    name, suffix = path.name[:-end], path.name[-end:]
    return path.with_name(f"{name}.part{suffix}")


def is_draft(path: Path) -> bool:
    """Whether a recording is called one that is under way."""
    return path.name[: -len(suffix_of(path))].endswith(".part")


def cut_off(path: Path, where: str, pictures: int) -> None:
    """A draft may end anywhere: what is whole counts, and a warning says so. A finished recording may not.

    Raises
    ------
    RecordingError
        If `path` is not called a draft.
    """
    if not is_draft(path):
        raise RecordingError(f"{path}:{where}; the {pictures} pictures before it are whole")
    log.warning("%s:%s; the %d pictures before it are read", path, where, pictures)
