"""Clips served as cameras over RTSP, for measuring a machine with streams that are its own.

What a clip is on the wire (`media`, `packets`, `reports`) is here, and `server` sends it in a loop to whoever
asks, without faults. The bench of the tests (`tests/rtsp`) sends the same packets with every fault there is.
"""

from .media import Clip
from .server import Serving

__all__ = ["Clip", "Serving"]
