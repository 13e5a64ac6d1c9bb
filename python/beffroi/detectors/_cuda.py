"""Whether NVIDIA's CUDA can be used here, and if not, what is missing and how to get it.

onnxruntime itself only says that it fell back to the processor. This looks at what it needs, one by one: the
driver, one package of onnxruntime and not two, CUDA's libraries, and cuDNN.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

PROVIDER = "CUDAExecutionProvider"
DRIVER = Path("/proc/driver/nvidia/version")
GPU_INSTALL = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'beffroi[gpu]'"

# The major version of CUDA -> that of its library for Fourier transforms, which counts on its own.
CUFFT = {"11": "10", "12": "11", "13": "12"}


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that CUDA needs and that is not here."""

    found: str
    mend: str


def has_card() -> bool:
    """Whether the kernel has NVIDIA's driver; in a container also if the container may not use it."""
    return DRIVER.exists()


def driver() -> str | None:
    """Version of the driver in the kernel; None if there is none."""
    try:
        words = DRIVER.read_text("utf-8").split()
    except OSError:
        return None
    return next((word for word in words if word[:1].isdigit() and "." in word), "of unknown version")


def packages() -> list[str]:
    """The packages of onnxruntime that are installed. Two overwrite each other."""
    found = []
    for name in ("onnxruntime", "onnxruntime-gpu"):
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def lacking(onnxruntime: Any) -> list[Lack]:
    """What is missing for CUDA, in the order in which it should be mended; nothing if it should work."""
    return [*_packages(onnxruntime), *_driver(), *_libraries(onnxruntime)]


def said(lacks: list[Lack]) -> str:
    """All that is missing, as one text."""
    return "; ".join(f"{lack.found} ({lack.mend})" for lack in lacks)


def preload(onnxruntime: Any) -> None:
    """Load CUDA's libraries from the packages that the extra `gpu` installs; raises nothing."""
    # It prints what it does not find, and standard output belongs to the command's result.
    with redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()


def _packages(onnxruntime: Any) -> Iterator[Lack]:
    installed = packages()
    if len(installed) > 1:
        yield Lack("onnxruntime and onnxruntime-gpu are both installed and overwrite each other", GPU_INSTALL)
    elif PROVIDER not in onnxruntime.get_available_providers():
        name = installed[0] if installed else "onnxruntime"
        yield Lack(f"{name} {onnxruntime.__version__} is built without CUDA", GPU_INSTALL)


def _driver() -> Iterator[Lack]:
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        if has_card():
            yield Lack(
                "the driver is in the kernel, but its library libcuda.so.1 is not here",
                "in a container: install the NVIDIA container toolkit and start it with --gpus all; "
                "else install the driver's libraries",
            )
        else:
            yield Lack("there is no NVIDIA driver", "install the driver of the card, then restart")
        return
    count = ctypes.c_int(0)
    code = cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count))
    if code or not count.value:
        yield Lack(
            f"the driver finds no card it can use (CUDA error {code})"
            if code
            else "the driver finds no card",
            "nvidia-smi says what the driver thinks of the card",
        )


def _libraries(onnxruntime: Any) -> Iterator[Lack]:
    version = str(getattr(onnxruntime, "cuda_version", "") or "")
    major = version.partition(".")[0]
    if not major:
        return
    preload(onnxruntime)
    wanted = [f"libcudart.so.{major}", f"libcublasLt.so.{major}", "libcurand.so.10"]
    wanted += [f"libcufft.so.{CUFFT[major]}"] if major in CUFFT else []
    missing = [name for name in wanted if not _loads(name)]
    if missing:
        yield Lack(
            f"CUDA {major} is not complete: {', '.join(missing)} not found", "pip install 'beffroi[gpu]'"
        )
    if not _loads("libcudnn.so.9"):
        yield Lack("cuDNN is missing: libcudnn.so.9 not found", "pip install 'beffroi[gpu]'")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
