"""The learnt empty scene on disk, so that a restart need not learn it anew with what was left meanwhile."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from beffroi.detectors._background.scene import Scene

log = logging.getLogger(__name__)

FORMAT = 1
# Logarithmic brightness in steps of 1/4096: finer than any tolerance by far, and 2 bytes a value.
_STEPS = 4096.0
_REST = ("noise", "restless", "occupied", "age")


class Store:
    """One file for one camera. Holds the reference alone: nobody who only passed or stood there.

    Parameters
    ----------
    folder
        Where it lies; made when something is saved.
    camera
        Whose it is.
    fingerprint
        Picture size and settings under which a reference is the same.
    """

    def __init__(self, folder: Path, camera: str, fingerprint: str) -> None:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", camera).strip("-")[:40]
        # Two names may become the same plain one.
        mark = hashlib.sha256(camera.encode()).hexdigest()[:8]
        self.path = folder / f"background-{plain or 'camera'}-{mark}.npz"
        self._camera, self._fingerprint = camera, fingerprint

    def load(self, scene: Scene) -> bool:
        """Fill the scene with what was saved, if it is of this camera, size and settings; says why if not."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                about = tuple(str(value) for value in saved["about"])
                arrays = {name: saved[name] for name in ("reference", "known", *_REST)}
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning("%s: cannot be read, the scene is learnt anew: %s", self.path, error)
            return False
        if about != self._about():
            log.info("%s: is of another camera, picture size or setting; the scene is learnt anew", self.path)
            return False
        shape = scene.inside.shape
        if arrays["reference"].shape != (3, *shape) or arrays["known"].shape != shape:
            log.warning("%s: is damaged, the scene is learnt anew", self.path)
            return False
        scene.reference = arrays["reference"].astype(np.float32) / _STEPS
        scene.known = arrays["known"].astype(bool)
        for name in _REST:
            setattr(scene, name, arrays[name].astype(np.float32))
        return True

    def save(self, scene: Scene) -> None:
        """Replace the file; a power cut leaves the old or the new one. A full disk is said, not raised."""
        # A cell in which somebody explained was part of the reference (a parked car) is not kept.
        known = scene.known & (scene.occupied < 0.5)
        partial = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.savez_compressed(
                    file,
                    about=np.array(self._about()),
                    reference=np.clip(np.rint(scene.reference * known * _STEPS), 0, 65535).astype(np.uint16),
                    known=known,
                    **{name: (getattr(scene, name) * known).astype(np.float16) for name in _REST},
                )
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            log.warning("%s: the scene is not saved: %s", self.path, error)

    def _about(self) -> tuple[str, ...]:
        return (str(FORMAT), self._camera, self._fingerprint)
