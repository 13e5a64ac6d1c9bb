"""Reads recordings of every form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beffroi.errors import RecordingError
from beffroi.recording.content import Header, Recording, joined
from beffroi.recording.draft import suffix_of
from beffroi.recording.forms import FORMS
from beffroi.recording.mot import read_mot

READABLE = (*FORMS, ".txt")


def read_recording(
    path: Path, *, fps: float | None = None, size: tuple[int, int] | None = None, label: str = "person"
) -> Recording:
    """A recording from a file; the suffix decides the form.

    MOTChallenge detections (``.txt``, lines of ``frame,id,x,y,w,h,score``) do not say how many pictures a
    second there are, nor how large they are. That is taken from ``seqinfo.ini`` beside the file or one
    folder up.

    Parameters
    ----------
    path
        What `RecordingWriter` wrote, whole or a ``.part``, or MOTChallenge detections.
    fps, size
        Only for MOTChallenge: pictures per second and (width, height) in pixels, where no ``seqinfo.ini``
        tells them.
    label
        Only for MOTChallenge: what the boxes are.

    Raises
    ------
    RecordingError
        If the file is missing, broken or none of these; with the line, row or chunk.
    """
    header, parts = read_parts(path, fps=fps, size=size, label=label)
    return joined(header, list(parts))


def read_parts(
    path: Path, *, fps: float | None = None, size: tuple[int, int] | None = None, label: str = "person"
) -> tuple[Header, Iterator[Recording]]:
    """A recording part by part, in order, so that a day of it need not fit into memory; as `read_recording`.

    Errors in the header are raised at once, others when their part is asked for.
    """
    suffix = suffix_of(path)
    if suffix not in READABLE:
        raise RecordingError(f"{path}: is no recording; expected a file with {', '.join(READABLE)}")
    if not path.is_file():
        raise RecordingError(f"{path}: there is no such file")
    if suffix == ".txt":
        with _told(path):
            whole = read_mot(path, fps, size, label)
        return whole.header, iter([whole])
    form = FORMS[suffix]
    with _told(path):
        header = form.header(path)
    return header, _told_parts(path, form.parts(path, header))


def read_header(path: Path) -> Header:
    """Only the header of a recording, without reading its boxes.

    Raises
    ------
    RecordingError
        If there is no such recording.
    """
    return read_parts(path)[0]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from error


def _told_parts(path: Path, parts: Iterator[Recording]) -> Iterator[Recording]:
    with _told(path):
        yield from parts
