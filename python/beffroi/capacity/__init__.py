"""How many cameras this machine watches: real clips over RTSP, the real runtime, every part at work.

A server in a process of its own (`beffroi.serving`) sends clips in a loop, as cameras do. The runtime runs in
another one (`running`), as `beffroi run` runs it: readers, decoders, gate, detector, rules, store, evidence,
a file that takes the alerts. A third kind decodes and detects and does nothing else (`alone`), which is what
everything beside it is compared with. What is counted is in `figures`, and how it is told in `report`.
"""

from beffroi.capacity.measure import Wanted, capacity
from beffroi.capacity.report import CapacityReport

__all__ = ["CapacityReport", "Wanted", "capacity"]
