"""One loaded model, checked before it runs: the file is the manifest's, and it runs where it was asked to."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._boxes import Boxes
from beffroi.detectors._capability import refuse_personal
from beffroi.detectors._decoders import DECODERS
from beffroi.errors import MissingDependency, ModelError
from beffroi.manifest import Manifest

Device = Literal["auto", "cpu", "cuda"]

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"

# More threads gain nothing on models as small as these.
MOST_THREADS = 4

_loaded: WeakValueDictionary[tuple[str, str, int], Session] = WeakValueDictionary()
_lock = threading.Lock()


def load(path: Path, manifest: Manifest, device: Device, threads: int) -> Session:
    """The model, loaded once for all who ask for the same file on the same device.

    Raises
    ------
    ModelError
        If the file is missing, is another than the manifest's, does not load, tells who somebody is, or does
        not run on the device asked for.
    """
    data = _checked(path, manifest)
    threads = threads or min(MOST_THREADS, len(os.sched_getaffinity(0)))
    key = (manifest.sha256, device, threads)
    with _lock:
        session = _loaded.get(key)
        if session is None:
            session = _loaded[key] = Session(path, data, manifest, device, threads)
        return session


class Session:
    """A model that runs. `run` may be called by several threads at once."""

    def __init__(self, path: Path, data: bytes, manifest: Manifest, device: Device, threads: int) -> None:
        refuse_personal(manifest.output.labels, str(path))
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait take the processor from the other cameras.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        providers = _providers(onnxruntime, device, path)
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=providers)
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise ModelError(f"{path}: onnxruntime cannot load it: {error}") from error
        self.provider: str = self._session.get_providers()[0]
        if device == "cuda" and self.provider != CUDA:
            raise ModelError(
                f"{path}: device cuda was asked for, but onnxruntime runs it on {self.provider}: CUDA "
                "or cuDNN do not load here (see `beffroi doctor`); set device: auto or cpu to do without"
            )
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._outputs = [output.name for output in self._session.get_outputs()]
        told = [value for key, value in metadata.items() if key in {"names", "labels", "classes"}]
        refuse_personal([*self._outputs, *told], str(path))
        self._inputs, self._decode = DECODERS[manifest.decoder]
        self._manifest = manifest
        self._batches = not isinstance(self._session.get_inputs()[0].shape[0], int)

    def run(self, tensor: NDArray[np.float32], extents: Sequence[tuple[int, int]]) -> list[Boxes]:
        """Boxes of each picture in `tensor`, relative to it.

        In one go on a GPU, one by one elsewhere: a processor gains nothing from batches and waits longer.
        """
        if self._batches and self.provider == CUDA:
            return self._run(tensor, extents)
        return [
            boxes for i in range(len(tensor)) for boxes in self._run(tensor[i : i + 1], extents[i : i + 1])
        ]

    def _run(self, tensor: NDArray[np.float32], extents: Sequence[tuple[int, int]]) -> list[Boxes]:
        values = self._session.run(self._outputs, self._inputs(tensor))
        return self._decode(dict(zip(self._outputs, values, strict=True)), extents, self._manifest)


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


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("the detector type onnx", "onnxruntime", str(error)) from error
    return onnxruntime


def _providers(onnxruntime: Any, device: Device, path: Path) -> list[str]:
    available = onnxruntime.get_available_providers()
    if device == "cpu" or (device == "auto" and CUDA not in available):
        return [CPU]
    if CUDA not in available:
        raise ModelError(
            f"{path}: device cuda was asked for, but the installed onnxruntime {onnxruntime.__version__} "
            "has no CUDA provider; replace it: pip uninstall onnxruntime, then pip install 'beffroi[gpu]'"
        )
    # Finds the CUDA libraries that the extra `gpu` installs as packages.
    onnxruntime.preload_dlls()
    return [CUDA, CPU]
