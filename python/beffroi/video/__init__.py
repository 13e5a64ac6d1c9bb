"""Video through PyAV. Only this package and the clips of evidence import it, as its interface changes.

One decoding thread and one kept reformatter per video: many cameras share the machine, and both allocate.
"""

from beffroi.video.file import VideoFile
from beffroi.video.picture import Counts

__all__ = ["Counts", "VideoFile"]
