"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

SUFFIX = ".draft"


@contextmanager
def whole(path: Path, *, mode: int = 0o640) -> Iterator[IO[bytes]]:
    """A file to write, which is called `path` once the block has ended and the disk has it.

    The folder must exist. If the block fails, or the disk does, nothing is left.

    Raises
    ------
    OSError
    """
    # Made for its owner alone: what is under way is not yet blurred by everybody's rules.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the new name last: until then a power cut can undo it. Not every file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
