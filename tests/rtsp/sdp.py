"""Session descriptions (RFC 8866) of a camera, true ones and lies."""

from __future__ import annotations

from base64 import b64encode

from beffroi.serving.media import Clip, Codec
from beffroi.serving.packets import VIDEO_CLOCK, VIDEO_TYPE

from .faults import Faults
from .sound import SOUND_CLOCK, SOUND_TYPE


def description(clip: Clip, faults: Faults) -> str:
    """What DESCRIBE answers."""
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "t=0 0", "a=control:*"]
    if faults.says != "audio":
        lines += [f"m=video 0 RTP/AVP {VIDEO_TYPE}", *_video(clip, faults), "a=control:track0"]
    if faults.audio or faults.says == "audio":
        lines += [f"m=audio 0 RTP/AVP {SOUND_TYPE}", f"a=rtpmap:{SOUND_TYPE} PCMA/{SOUND_CLOCK}"]
        lines += ["a=control:track1"]
    return "".join(f"{line}\r\n" for line in lines)


def _video(clip: Clip, faults: Faults) -> list[str]:
    if faults.says == "unknown":
        return [f"a=rtpmap:{VIDEO_TYPE} X-NO-VIDEO/{VIDEO_CLOCK}"]
    codec = clip.codec if faults.says == "truth" else faults.says
    true = codec == clip.codec and faults.parameters != "band"
    parts = _parameters(clip.codec, clip.parameters) if true else []
    if codec == "h264":
        parts.insert(0, "packetization-mode=1")
    format_line = [f"a=fmtp:{VIDEO_TYPE} {';'.join(parts)}"] if parts else []
    return [f"a=rtpmap:{VIDEO_TYPE} {codec.upper()}/{VIDEO_CLOCK}", *format_line]


def _parameters(codec: Codec, parameters: tuple[bytes, ...]) -> list[str]:
    sets = [b64encode(each).decode() for each in parameters]
    if codec == "h264":
        return [f"sprop-parameter-sets={','.join(sets)}"]
    return [f"sprop-{name}={each}" for name, each in zip(("vps", "sps", "pps"), sets, strict=True)]
