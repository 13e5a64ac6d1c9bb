"""RTCP (RFC 3550): sender reports, which tie RTP timestamps to the camera's clock, and goodbyes."""

from __future__ import annotations

import struct

_REPORT = struct.Struct(">BBHIIIIII")
_GOODBYE = struct.Struct(">BBHI")
# Seconds between 1900, where NTP begins, and 1970.
_NTP_EPOCH = 2_208_988_800


def sender_report(source: int, wall_s: float, timestamp: int, packets: int, octets: int) -> bytes:
    """A report that `timestamp` is shown at `wall_s`, seconds since 1970 by the camera's clock."""
    seconds, fraction = divmod(wall_s + _NTP_EPOCH, 1)
    ntp = (int(seconds) & 0xFFFFFFFF, int(fraction * (1 << 32)))
    counted = (packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return _REPORT.pack(0x80, 200, 6, source, *ntp, timestamp & 0xFFFFFFFF, *counted)


def goodbye(source: int) -> bytes:
    return _GOODBYE.pack(0x81, 203, 1, source)
