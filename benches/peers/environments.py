"""What there is to compare with, and an interpreter for each.

Every peer has an environment of its own under ``.venv-peers``: opencv-python must never be installed beside
opencv-python-headless (they overwrite each other), and some peers want different versions of one library.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-peers"
PEERS = (
    "ours",
    "by_hand",
    "roboflow_trackers",
    "supervision_bytetrack",
    "trackforge",
    "pyxtrackers",
    "similari",
    "norfair",
)


def peer(name: str) -> ModuleType:
    """The peer's module: `NAME`, `INSTALL`, `PACKAGES`, `TRACKERS`, and `Watch` if it has zones and lines."""
    return importlib.import_module(f"benches.peers.{name}")


def interpreter(name: str) -> Path:
    """The interpreter that has what the peer needs."""
    return Path(sys.executable) if name == "ours" else ENVIRONMENTS / name / "bin" / "python"


def install(name: str) -> None:
    """Make the peer's environment; pip says what goes wrong, and the next time starts afresh."""
    wanted = peer(name)
    if not wanted.INSTALL or interpreter(name).exists():
        return
    print(f"installing {wanted.NAME} ...", file=sys.stderr)
    venv.create(ENVIRONMENTS / name, with_pip=True)
    pip = [interpreter(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, *wanted.INSTALL], check=False, stdout=sys.stderr).returncode:
        shutil.rmtree(ENVIRONMENTS / name)


def run(name: str, module: str, *arguments: object, limit_s: float) -> Any:
    """What ``benches.peers.<module>`` prints as JSON in the peer's interpreter, or a str: why it does not."""
    if not interpreter(name).exists():
        return "not installed; run with --install"
    # One thread each: the question is what a picture costs, not how many cores can share it.
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [interpreter(name), "-m", f"benches.peers.{module}", name, *map(str, arguments)]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | single,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {limit_s:g} s"
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"
    return json.loads(done.stdout)
