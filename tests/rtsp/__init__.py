"""The bench on which live cameras are tested: a server of clips over RTSP, with faults, and clips to serve.

    from rtsp import RtspServer, shapes

    with RtspServer(shapes(tmp_path / "a.mp4")) as server:
        server.url("/cam1", stall=2)

Faults are named in `faults.py`; what a test does while clients play, in `server.py`. `python -m tests.rtsp`
serves clips from a process of its own, `gst.py` is another maker's server to compare with.
"""

from beffroi.serving.media import Clip

from .clips import number, shapes
from .faults import Faults
from .server import RtspServer

__all__ = ["Clip", "Faults", "RtspServer", "number", "shapes"]
