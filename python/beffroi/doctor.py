"""Looks at the machine: what beffroi needs, whether it works, and how to mend it."""

import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Literal

from beffroi._core import __version__

State = Literal["ok", "note", "broken"]

LIBRARIES = {
    "numpy": "numpy",
    "pydantic": "pydantic",
    "ruamel.yaml": "ruamel.yaml",
    "sqlalchemy": "sqlalchemy",
    "typer": "typer",
    "rich": "rich",
    "prometheus_client": "prometheus-client",
}
OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
DECODERS = ("h264", "hevc", "mjpeg", "mpeg4")
ACCELERATORS = ("CUDAExecutionProvider", "OpenVINOExecutionProvider")

# The smallest model there is, as ONNX protobuf: y = Identity(x), one float32; IR version 8, opset 13.
IDENTITY = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801620f0a0179120a0a080801"
    "12040a0208014202100d"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``broken`` needs mending, a ``note`` may matter."""

    part: str
    state: State
    found: str
    mend: str | None = None


def examine() -> list[Finding]:
    """Look at everything; a check that fails unexpectedly is a finding too, and does not stop the others."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += check()
        except Exception as error:
            name = check.__name__.strip("_")
            findings.append(
                Finding(name, "broken", f"could not be looked at: {type(error).__name__}: {error}")
            )
    return findings


def _python() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _extension() -> Iterator[Finding]:
    installed = _version("beffroi")
    if installed is not None and installed != __version__:
        found = f"the compiled part is {__version__}, the package {installed}"
        yield Finding(
            "compiled part", "broken", found, "install beffroi again, or build it again in a checkout"
        )
    else:
        yield Finding("compiled part", "ok", __version__)


def _libraries() -> Iterator[Finding]:
    for module, name in LIBRARIES.items():
        try:
            import_module(module)
        except ImportError as error:
            yield Finding(name, "broken", str(error), f"pip install {name}")
        else:
            yield Finding(name, "ok", _version(name) or "found")
    yield Finding("sqlite", "ok", sqlite3.sqlite_version)


def _timezones() -> Iterator[Finding]:
    from zoneinfo import available_timezones

    count = len(available_timezones())
    if count:
        yield Finding("time zones", "ok", f"{count} known")
    else:
        yield Finding("time zones", "broken", "none are known", "pip install tzdata, or apt install tzdata")


def _opencv() -> Iterator[Finding]:
    packages = [name for name in OPENCV if _version(name)]
    if len(packages) > 1:
        mend = f"pip uninstall -y {' '.join(packages)} && pip install opencv-python"
        found = f"{' and '.join(packages)} are installed and overwrite each other"
        yield Finding("opencv", "broken", found, mend)
        return
    try:
        import cv2
    except ImportError as error:
        system = "lib" in str(error) and ".so" in str(error)
        mend = "apt install libgl1 libglib2.0-0 (Debian, Ubuntu)" if system else "pip install opencv-python"
        yield Finding("opencv", "broken", str(error), mend)
    else:
        yield Finding("opencv", "ok", f"{cv2.__version__} ({', '.join(packages) or 'not from pip'})")


def _inference() -> Iterator[Finding]:
    from beffroi.detectors import _cuda

    packages = _cuda.packages()
    card = _has_card()
    if card:
        yield Finding("gpu", "ok", f"NVIDIA driver {_cuda.driver()}{_cards()}")
    if len(packages) > 1:
        keep = "gpu" if card else "cpu"
        mend = f"pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'beffroi[{keep}]'"
        yield Finding("inference", "broken", "onnxruntime and onnxruntime-gpu overwrite each other", mend)
        return
    try:
        import onnxruntime
    except ImportError as error:
        mend = "pip install 'beffroi[gpu]'" if card else "pip install 'beffroi[cpu]'"
        yield Finding("inference", "broken", str(error), mend)
        return
    yield Finding(
        "inference", "ok", f"{packages[0] if packages else 'onnxruntime'} {onnxruntime.__version__}"
    )
    yield from _providers(card)
    yield from _rewriting()


def _has_card() -> bool:
    from beffroi.detectors import _cuda

    return _cuda.has_card()


def _cards() -> str:
    """What nvidia-smi calls the cards, with a comma before; nothing if there is no such program."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    asked = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return f", but nvidia-smi fails: {error}"
    return "".join(f", {line.strip()}" for line in told.splitlines() if line.strip())


def _rewriting() -> Iterator[Finding]:
    """Whether models can be made faster on the processor."""
    version = _version("onnx")
    if version is None:
        found = "not installed: the default models take a fifth more time on the processor"
        yield Finding("onnx", "note", found, "pip install 'beffroi[cpu]'")
    else:
        yield Finding("onnx", "ok", version)


def _providers(card: bool) -> Iterator[Finding]:
    """What a session really gets: without CUDA's libraries onnxruntime-gpu falls back silently."""
    import onnxruntime

    from beffroi.detectors import _cuda

    promised = [name for name in onnxruntime.get_available_providers() if name in ACCELERATORS]
    for name in promised:
        if name == _cuda.PROVIDER:
            _cuda.preload(onnxruntime)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(IDENTITY, options, providers=[name, "CPUExecutionProvider"])
        if name in session.get_providers():
            yield Finding(name, "ok", "works")
        elif name == "CUDAExecutionProvider":
            state: State = "broken" if card else "note"
            yield Finding(name, state, "is built in, but a session falls back to the CPU")
            for lack in _cuda.lacking(onnxruntime):
                yield Finding("cuda", state, lack.found, lack.mend)
    if not promised:
        if card:
            yield Finding("providers", "note", "CPU only, though there is an NVIDIA GPU", _cuda.GPU_INSTALL)
        else:
            yield Finding("providers", "ok", "CPU only")


def _video() -> Iterator[Finding]:
    try:
        import av
    except ImportError as error:
        yield Finding("video", "broken", str(error), "pip install 'av>=18.1,<20'")
        return
    major = int(av.__version__.split(".")[0])
    if not 18 <= major < 20:
        yield Finding("video", "broken", f"PyAV {av.__version__}", "pip install 'av>=18.1,<20'")
        return
    missing = [name for name in DECODERS if not _can(name, "r")]
    if missing:
        mend = "pip install --force-reinstall av: its wheels bring all codecs"
        yield Finding("video", "broken", f"PyAV {av.__version__} cannot read {', '.join(missing)}", mend)
        return
    yield Finding("video", "ok", f"PyAV {av.__version__}, reads {', '.join(DECODERS)}")
    if not _can("libx264", "w"):
        mend = "pip install --force-reinstall av: its wheels bring all codecs"
        yield Finding("films", "note", "no H.264 encoder: --render writes MPEG-4", mend)


def _can(codec: str, mode: Literal["r", "w"]) -> bool:
    import av

    try:
        av.Codec(codec, mode)
    except (av.FFmpegError, ValueError):
        return False
    return True


def _components() -> Iterator[Finding]:
    from beffroi.components import FAMILIES
    from beffroi.errors import MissingDependency

    for family in FAMILIES:
        types = ", ".join(family.load_all()) or "none"
        yield Finding(f"{family.family}s", "ok", types)
        for kind, error in family.missing.items():
            missing = MissingDependency(f"the {family.family} type {kind}", error.name or kind)
            yield Finding(f"{family.family}s", "note", f"{kind}: {error}", missing.install)


def _assets() -> Iterator[Finding]:
    from beffroi.assets import known

    for asset in known():
        mend = f"beffroi assets fetch {asset.name}"
        if asset.state == "ready":
            yield Finding(asset.name, "ok", str(asset.path))
        elif asset.state == "damaged":
            found = f"{asset.path} is not the file of its manifest"
            yield Finding(asset.name, "broken", found, f"remove it, then {mend}")
        else:
            yield Finding(asset.name, "note", "not here yet; the first use downloads it", mend)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _extension,
    _libraries,
    _timezones,
    _opencv,
    _inference,
    _video,
    _components,
    _assets,
)
