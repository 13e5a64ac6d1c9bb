"""One loaded model, checked before it runs: the file is the manifest's, and it runs where it was asked to."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors import _cuda
from beffroi.detectors._bound import Bound
from beffroi.detectors._boxes import Boxes
from beffroi.detectors._capability import refuse_personal
from beffroi.detectors._decoders import DECODERS
from beffroi.detectors._layout import kept_in_layout
from beffroi.errors import MissingDependency, ModelError
from beffroi.manifest import Manifest

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]

CUDA = _cuda.PROVIDER
CPU = "CPUExecutionProvider"

# More threads gain nothing on models as small as these.
MOST_THREADS = 4

# Pictures that a card is given at once. For each number it does not know, cuDNN looks for its ways anew, so a
# batch is filled up to the next of these, and all are tried when the model is loaded. More than the last
# gains little and waits longer.
BATCHES = (1, 2, 4, 8, 16)

_loaded: WeakValueDictionary[tuple[str, str, int], Session] = WeakValueDictionary()
_lock = threading.Lock()
_told: set[str] = set()


def share(analysts: int) -> int:
    """Threads for one picture where `analysts` are looked at at once.

    Pictures side by side cost up to a tenth less than one after the other in parts, so a processor is divided
    between the pictures first (``python -m benches.detecting --threads``).
    """
    return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0)) // analysts))


def load(path: Path, manifest: Manifest, device: Device, threads: int) -> Session:
    """The model, loaded once for all who ask for the same file on the same device with as many threads.

    Raises
    ------
    ModelError
        If the file is missing, is another than the manifest's, does not load, tells who somebody is, or does
        not run on the device asked for.
    """
    data = _checked(path, manifest)
    threads = threads or share(1)
    key = (manifest.sha256, device, threads)
    with _lock:
        session = _loaded.get(key)
        if session is None:
            session = _loaded[key] = Session(path, data, manifest, device, threads)
        return session


class Session:
    """A model that runs. `run` may be called by several threads at once.

    Attributes
    ----------
    provider
        Where it really runs.
    batch
        The most pictures that are worth giving to one `run`: 1 where it takes them one by one.
    """

    def __init__(self, path: Path, data: bytes, manifest: Manifest, device: Device, threads: int) -> None:
        refuse_personal(manifest.output.labels, str(path))
        self._session = _session(path, data, device, threads)
        self.provider: str = self._session.get_providers()[0]
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._outputs = [output.name for output in self._session.get_outputs()]
        told = [value for key, value in metadata.items() if key in {"names", "labels", "classes"}]
        refuse_personal([*self._outputs, *told], str(path))
        self._inputs, self._decode = DECODERS[manifest.decoder]
        self._manifest = manifest
        self.batch = 1
        self._bound: Bound | None = None
        if self.provider == CUDA:
            self.bind("cuda")

    def bind(self, device: str) -> None:
        """Keep buffers on `device`, take pictures in batches if the model does, and try each size once."""
        self._bound = Bound(self._session, device, self._outputs)
        shape = self._session.get_inputs()[0].shape
        self.batch = 1 if isinstance(shape[0], int) else BATCHES[-1]
        width, height = self._manifest.input.size
        for size in BATCHES:
            if size <= self.batch:
                self._run(np.zeros((size, 3, height, width), np.float32), [(width, height)] * size)

    def room(self, pictures: int) -> int:
        """Rows that a tensor for so many pictures has: those above are filled up, and not looked at."""
        if self.batch == 1:
            return pictures
        whole, rest = divmod(pictures, self.batch)
        return whole * self.batch + next((size for size in BATCHES if size >= rest), 0) * bool(rest)

    def run(self, tensor: NDArray[np.float32], extents: Sequence[tuple[int, int]]) -> list[Boxes]:
        """Boxes of each picture in `tensor`, relative to it; one for each of `extents`.

        In batches on a GPU, one by one elsewhere: a processor gains nothing from batches and waits longer.
        `tensor` has `room` for them.
        """
        found: list[Boxes] = []
        for start in range(0, len(extents), self.batch):
            part = extents[start : start + self.batch]
            found += self._run(tensor[start : start + self.room(len(part))], part)
        return found

    def _run(self, tensor: NDArray[np.float32], extents: Sequence[tuple[int, int]]) -> list[Boxes]:
        inputs = self._inputs(tensor)
        values = self._session.run(self._outputs, inputs) if self._bound is None else self._bound.run(inputs)
        outputs = {name: value[: len(extents)] for name, value in zip(self._outputs, values, strict=True)}
        return self._decode(outputs, extents, self._manifest)


def _checked(path: Path, manifest: Manifest) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != manifest.sha256:
        size = "" if len(data) == manifest.bytes else f" ({len(data)} bytes, expected {manifest.bytes})"
        raise ModelError(
            f"{path}: is damaged or another file{size}: sha256 {found}, expected {manifest.sha256}; "
            f"`beffroi assets fetch {manifest.name}` downloads it again"
        )
    return data


def _session(path: Path, data: bytes, device: Device, threads: int) -> Any:
    """An ``InferenceSession`` on CUDA if that is asked for or can be had, else on the processor."""
    onnxruntime = _onnxruntime()
    if device == "cpu":
        return _on_processor(onnxruntime, path, data, threads)
    if CUDA in onnxruntime.get_available_providers():
        session = _on_cuda(onnxruntime, path, data, threads)
        if session is not None:
            return session
    elif device == "auto" and not _cuda.has_card():
        return _on_processor(onnxruntime, path, data, threads)
    why = (
        _cuda.said(_cuda.lacking(onnxruntime)) or "CUDA does not start, though all it needs seems to be here"
    )
    if device == "cuda":
        raise ModelError(
            f"{path}: device cuda was asked for and cannot be used: {why}; "
            "see `beffroi doctor`, or set device: auto or cpu to do without"
        )
    if why not in _told:
        _told.add(why)
        log.warning("the GPU is not used, detectors run on the processor: %s", why)
    return _on_processor(onnxruntime, path, data, threads)


def _on_processor(onnxruntime: Any, path: Path, data: bytes, threads: int) -> Any:
    try:
        data, _ = kept_in_layout(data)
    except ImportError:
        log.info("%s runs as it is: the package onnx, which makes it faster, is not installed", path.name)
    except Exception as error:  # onnxruntime says better what is wrong with the file
        log.info("%s runs as it is: %s", path.name, error)
    try:
        return onnxruntime.InferenceSession(data, _options(onnxruntime, threads), providers=[CPU])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise ModelError(f"{path}: onnxruntime cannot load it: {error}") from error


def _on_cuda(onnxruntime: Any, path: Path, data: bytes, threads: int) -> Any:
    """A session on CUDA; None if onnxruntime falls back."""
    _cuda.preload(onnxruntime)
    # The exhaustive search, onnxruntime's default, takes seconds for each size of batch.
    cuda = (CUDA, {"cudnn_conv_algo_search": "HEURISTIC"})
    try:
        session = onnxruntime.InferenceSession(data, _options(onnxruntime, threads), providers=[cuda, CPU])
    except Exception as error:
        log.info("%s: CUDA: %s", path.name, error)
        return None
    return session if session.get_providers()[0] == CUDA else None


def _options(onnxruntime: Any, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the processor from the other cameras.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("the detector type onnx", "onnxruntime", str(error)) from error
    return onnxruntime
