"""A live stream: one connection to a camera, and the decoder for what comes from it."""

from __future__ import annotations

import errno
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from beffroi.errors import SourceError
from beffroi.video.picture import Counts, bgr, reason

Decode: TypeAlias = Literal["all", "reference", "keyframes"]

_SKIP = {"all": "DEFAULT", "reference": "NONREF", "keyframes": "NONKEY"}
# What is in the description of the stream is mostly enough. Looking into the stream itself costs a second.
_QUICK = {"probesize": "32", "analyzeduration": "0"}
_THOROUGH = {"probesize": str(1 << 20), "analyzeduration": "3000000"}
# Of the socket, over UDP: the key picture of a large camera comes as one burst of up to a megabyte.
_UDP_BUFFER = str(1 << 20)

_REFUSALS = {
    av.HTTPBadRequestError: "does not understand the request for this stream (400)",
    av.HTTPUnauthorizedError: "refuses the user name or password (401)",
    av.HTTPForbiddenError: "forbids this stream (403)",
    av.HTTPNotFoundError: "knows no stream of this path (404)",
}
_LOSSES = {
    ConnectionRefusedError: "nothing listens at its address (connection refused)",
    EOFError: "ended the connection",
    av.HTTPClientError: "answers with an error (4xx): it may have too many clients, or no video",
    av.HTTPError: "answers with an error of its own (5xx)",
}


class StreamError(SourceError):
    """A connection that failed. Its text follows the name of a camera, and holds no address.

    Attributes
    ----------
    refused
        The camera answered, and said no: asking again soon changes nothing.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class LiveStream:
    """One connection to the video of a camera. Sound and other streams are not asked for.

    Used by one thread, which it may block for up to `open_s` at first and twice `read_s` later.

    Attributes
    ----------
    stream
        The `av.VideoStream`; valid until `close`.
    quick
        Whether the description alone said all that is needed. Else the stream itself had to be looked into;
        say so (``quick=False``) next time.

    Raises
    ------
    StreamError
        If there is no connection, or no video.
    """

    def __init__(self, url: str, *, transport: str, open_s: float, read_s: float, quick: bool = True) -> None:
        self._options = {"rtsp_transport": transport, "allowed_media_types": "video"}
        if transport == "udp":
            self._options["buffer_size"] = _UDP_BUFFER
        self._timeout = (open_s, read_s)
        self.quick = quick
        self._container: Any = None
        self._open(url, transport, _QUICK if quick else _THOROUGH)
        if quick and self.stream.codec_context is not None and not self.stream.codec_context.width:
            self.close()
            self.quick = False
            self._open(url, transport, _THOROUGH)
        if self.stream.codec_context is None:
            self.close()
            raise StreamError("sends video of a kind that cannot be decoded here", refused=True)

    def packets(self, waits: Callable[[], bool]) -> Iterator[Any]:
        """Each `av.Packet` as it comes; ends when the camera ends the stream, or `waits` says no.

        Parameters
        ----------
        waits
            Asked whenever nothing came for `read_s`, or twice that: whether to go on waiting.

        Raises
        ------
        StreamError
            If the connection breaks.
        """
        ended = False
        while not ended:
            try:
                for packet in self._container.demux(self.stream):
                    if packet.size:
                        yield packet
                ended = True
            except av.ExitError:
                ended = not waits()
            except (av.FFmpegError, OSError) as error:
                # Without the cause: its text holds the address.
                raise _failure(error, "sends nothing any more") from None

    def close(self) -> None:
        """End the connection; harmless when repeated."""
        self._container.close()

    def _open(self, url: str, transport: str, probing: dict[str, str]) -> None:
        began = time.monotonic()
        try:
            self._container = av.open(
                url, options={**self._options, **probing}, timeout=self._timeout, metadata_errors="replace"
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            late = f"does not answer within {self._timeout[0]:g} s"
            # Interrupted amid an answer, FFmpeg may call it invalid.
            if time.monotonic() - began >= self._timeout[0]:
                raise StreamError(late) from None
            # Without the cause: its text holds the address.
            raise _failure(error, late, transport) from None
        if not self._container.streams.video:
            self.close()
            raise StreamError("offers no video", refused=True)
        self.stream = self._container.streams.video[0]


class Decoder:
    """Turns the packets of one connection into pictures, in whichever thread, while another reads on.

    Parameters
    ----------
    stream
        Of `LiveStream`.
    decode
        ``reference`` leaves out pictures that no other refers to, ``keyframes`` all but key pictures.
    counts
        Where it counts.
    """

    def __init__(self, stream: Any, decode: Decode, counts: Counts) -> None:
        about = stream.codec_context
        self.codec = str(about.codec.canonical_name)
        self._counts = counts
        self._only_keys = decode == "keyframes"
        self._context: Any = av.CodecContext.create(about.codec.name, "r")
        self._context.extradata = about.extradata
        self._context.thread_count = 1
        self._context.skip_frame = _SKIP[decode]
        self._context.copy_opaque = True
        self._reformatter = VideoReformatter()
        # Whether the last key picture was whole. What follows a damaged one shows its ghosts, up to the next.
        self._ground = True

    def takes(self, packet: Any) -> bool:
        """Whether this packet is decoded at all."""
        return not self._only_keys or bool(packet.is_keyframe)

    def pictures(self, packet: Any) -> list[VideoFrame]:
        """The pictures that this packet completes, in the order in which they are shown.

        Each carries the ``opaque`` of its own packet. Damage is counted. Pictures with parts missing are left
        out, and what follows a key picture with parts missing.
        """
        try:
            found = self._context.decode(packet)
            if self._only_keys:
                # Nothing follows that would push it out of a decoder that waits for pictures shown earlier.
                found += self._context.decode(None)
                self._context.flush_buffers()
        except av.FFmpegError:
            self._counts.damaged += 1
            self._ground = self._ground and not packet.is_keyframe
            return []
        whole = [picture for picture in found if self._is_whole(picture)]
        self._counts.damaged += len(found) - len(whole)
        self._counts.decoded += len(whole)
        return whole

    def _is_whole(self, picture: VideoFrame) -> bool:
        if picture.key_frame:
            self._ground = not picture.is_corrupt
        return self._ground and not picture.is_corrupt

    def image(self, picture: VideoFrame) -> NDArray[np.uint8] | None:
        """The picture as uint8 BGR, shape (height, width, 3); None, and counted, if that cannot be."""
        try:
            return bgr(self._reformatter, picture, (picture.width, picture.height))
        except (av.FFmpegError, ValueError):
            self._counts.damaged += 1
            return None


def pts_ms(packet: Any) -> float | None:
    """Time stamp of a packet in milliseconds of the stream's own count."""
    unit = packet.time_base
    # Not by the fraction itself: it is reduced to lowest terms for every packet.
    return None if packet.pts is None else packet.pts * 1000 * unit.numerator / unit.denominator


def taken_ms(packet: Any) -> float | None:
    """When the camera says that the picture was taken, in milliseconds since 1970 UTC; None if it does not.

    FFmpeg computes it from the last RTCP sender report, as an ``AVProducerReferenceTime``.
    """
    if not packet.has_sidedata("prft"):
        return None
    (microseconds,) = struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))
    return float(microseconds) / 1000


def _failure(error: Exception, when_late: str, transport: str = "") -> StreamError:
    if transport and getattr(error, "errno", None) == errno.EPROTONOSUPPORT:
        other = "udp" if transport == "tcp" else "tcp"
        return StreamError(f"does not send over {transport}; try `transport: {other}`", refused=True)
    for refusal, text in _REFUSALS.items():
        if isinstance(error, refusal):
            return StreamError(text, refused=True)
    if isinstance(error, (av.ExitError, TimeoutError)):
        return StreamError(when_late)
    if transport and getattr(error, "errno", None) == errno.EIO:
        return StreamError("cannot be reached: nobody knows its host name, or the network is down")
    for loss, text in _LOSSES.items():
        if isinstance(error, loss):
            return StreamError(text)
    return StreamError(f"cannot be reached or read: {reason(error)}")
