"""What the test server sends, without a network: packets that join up, numbers that can be read."""

from __future__ import annotations

import random
import struct
from hashlib import md5
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from beffroi.serving.media import nals
from beffroi.serving.packets import PAYLOAD, fragments_h264, fragments_h265, packed, spans
from beffroi.serving.reports import sender_report
from hypothesis import given
from hypothesis import strategies as st
from rtsp import Clip, Faults, number, shapes
from rtsp.access import admitted, challenge
from rtsp.clips import picture
from rtsp.damage import misframed, scrambled, thinned

HEADS = st.sampled_from([b"\x65", b"\x41", b"\x26\x01", b"\x02\x01"])
NAL = st.builds(
    lambda head, size: head + bytes(k % 251 + 1 for k in range(size)), HEADS, st.integers(1, 5000)
)
BODY = st.binary(min_size=1, max_size=40).map(lambda body: body.replace(b"\x00", b"\x01"))


def joined_h264(payloads: list[bytes]) -> list[bytes]:
    """What a receiver makes of them, by RFC 6184."""
    units: list[bytes] = []
    for payload in payloads:
        if payload[0] & 31 != 28:
            units.append(payload)
        elif payload[1] & 0x80:
            units.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:])
        else:
            units[-1] += payload[2:]
    return units


def joined_h265(payloads: list[bytes]) -> list[bytes]:
    """What a receiver makes of them, by RFC 7798."""
    units: list[bytes] = []
    for payload in payloads:
        if payload[0] >> 1 & 63 != 49:
            units.append(payload)
        elif payload[2] & 0x80:
            units.append(bytes([payload[0] & 0x81 | (payload[2] & 63) << 1, payload[1]]) + payload[3:])
        else:
            units[-1] += payload[3:]
    return units


@given(NAL)
def test_fragments_join_up(nal: bytes) -> None:
    for cut, join, at in ((fragments_h264, joined_h264, 1), (fragments_h265, joined_h265, 2)):
        payloads = list(cut(nal))
        assert join(payloads) == [nal]
        assert all(len(payload) <= PAYLOAD for payload in payloads)
        if len(payloads) > 1:
            assert [payload[at] & 0x80 > 0 for payload in payloads] == [True] + [False] * (len(payloads) - 1)
            assert [payload[at] & 0x40 > 0 for payload in payloads] == [False] * (len(payloads) - 1) + [True]


@given(st.lists(BODY, min_size=1))
def test_byte_streams_are_cut_at_start_codes(units: list[bytes]) -> None:
    codes = [b"\x00\x00\x01", b"\x00\x00\x00\x01"]
    stream = b"".join(codes[index % 2] + unit for index, unit in enumerate(units))
    assert nals(stream + b"\x00") == units


@given(st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_numbers_are_written_over_a_copy(sequence: int, stamp: int, source: int, count: int) -> None:
    unit = packed([bytes([index]) * 9 for index in range(count)], 96, marked=True, key=True, at_s=0)
    before = unit.frames
    frames = unit.numbered(4, sequence, stamp, source)
    for index, (begin, end) in enumerate(spans(frames, unit.starts)):
        dollar, channel, length = struct.unpack(">cBH", frames[begin : begin + 4])
        assert (dollar, channel, length) == (b"$", 4, end - begin - 4)
        version, kind, *numbers = struct.unpack(">BBHII", frames[begin + 4 : begin + 16])
        assert (version, kind) == (0x80, 96 | (0x80 if index == count - 1 else 0))
        assert numbers == [(sequence + index) % 65536, stamp, source]
        assert frames[begin + 16 : end] == bytes([index]) * 9
    assert unit.frames is before


def test_damage_is_as_large_as_asked() -> None:
    unit = packed([bytes([index % 200]) * 50 for index in range(2000)], 96, marked=True, key=True, at_s=0)
    frames, starts = thinned(unit.frames, unit.starts, 0.1, random.Random(1))
    # Five standard deviations of a share of 10 % in 2000.
    assert abs(1 - len(starts) / 2000 - 0.1) < 0.034
    assert len(frames) == 66 * len(starts)
    noise, same = scrambled(unit.frames, unit.starts, random.Random(1))
    assert same == unit.starts
    for begin, end in spans(noise, same):
        assert noise[begin : begin + 16] == unit.frames[begin : begin + 16]
        assert noise[begin + 16 : end] != unit.frames[begin + 16 : end]
    broken, _ = misframed(unit.frames, unit.starts, random.Random(1))
    assert broken[:1] != b"$"


def test_a_report_tells_the_time_to_the_microsecond() -> None:
    wall = 1_800_000_000.123456
    seconds, fraction, stamp = struct.unpack(">III", sender_report(1, wall, 2**32 + 5, 0, 0)[8:20])
    assert seconds + fraction / 2**32 - 2_208_988_800 == pytest.approx(wall, abs=1e-6)
    assert stamp == 5


@pytest.mark.parametrize("size", [(1280, 720), (320, 180), (160, 90)])
@given(index=st.integers(0, 65535))
def test_numbers_are_read_at_any_size(size: tuple[int, int], index: int) -> None:
    ground = np.full((180, 320, 3), 90, np.uint8)
    assert number(cv2.resize(picture(index, 1.0, ground), size, interpolation=cv2.INTER_AREA)) == index


def test_pictures_without_a_number() -> None:
    assert number(np.full((180, 320, 3), 90, np.uint8)) is None
    noise = np.random.default_rng(0).integers(0, 255, (200, 180, 320), dtype=np.uint8)
    assert sum(number(image) is not None for image in noise) == 0
    turned = picture(77, 0.0, np.full((180, 320, 3), 90, np.uint8))
    strip = turned[:22].copy()
    turned[:22] = np.roll(strip, 60, axis=1)
    assert number(turned) != 77


def numbers(path: Path) -> list[int | None]:
    with av.open(str(path)) as container:
        return [number(each.to_ndarray(format="bgr24")) for each in container.decode(video=0)]


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_clips_are_what_was_asked_for(tmp_path: Path, codec: str, b_frames: int) -> None:
    path = shapes(tmp_path / "a.mp4", 1, codec=codec, b_frames=b_frames, key_every_s=0.4, first=40)
    clip = Clip.read(path)
    assert (clip.codec, clip.size, len(clip.units)) == (codec, (320, 180), 25)
    assert clip.length_s == pytest.approx(1)
    assert [index for index, unit in enumerate(clip.units) if unit.key] == [0, 10, 20]
    assert all(unit.due_s >= unit.shown_s - 1e-9 for unit in clip.units)
    shown = [unit.shown_s for unit in clip.units]
    assert (shown != sorted(shown)) == (b_frames > 0)
    assert numbers(path) == list(range(40, 65))


def test_the_noise_of_a_sensor_makes_the_bit_rate(tmp_path: Path) -> None:
    path = shapes(tmp_path / "a.mp4", 2, size=(640, 360), kbit_s=1500)
    assert path.stat().st_size * 8 / 2 / 1000 == pytest.approx(1500, rel=0.3)
    assert numbers(path) == list(range(50))


def test_clips_that_cannot_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "mpeg4.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match="is mpeg4; the server sends h264 and hevc"):
        Clip.read(path)


def test_faults_survive_the_address() -> None:
    asked = Faults(stall=2.5, loss=0.05, auth="digest", audio=True, status=503, join="any")
    assert asked.path() == "/stall=2.5/loss=0.05/status=503/auth=digest/join=any/audio=True"
    assert Faults.parse(asked.path().strip("/").split("/")) == asked
    assert Faults.parse([]) == Faults()
    with pytest.raises(ValueError, match="no such fault; there are stall, drop"):
        Faults.parse(["stal=2"])


def test_digest_answers_are_those_of_the_standard() -> None:
    """RFC 7616, 3.4.1: the formula, written out."""

    def hashed(text: str) -> str:
        return md5(text.encode(), usedforsecurity=False).hexdigest()

    known, asked = hashed("Mufasa:camera:Circle"), hashed("DESCRIBE:rtsp://x/cam1")
    response = hashed(f"{known}:n1:00000001:c1:auth:{asked}")
    answer = (
        'Digest username="Mufasa", realm="camera", nonce="n1", uri="rtsp://x/cam1", '
        f'qop=auth, nc=00000001, cnonce="c1", response="{response}"'
    )
    assert admitted("digest", answer, "DESCRIBE", "Mufasa", "Circle", "n1")
    assert not admitted("digest", answer, "SETUP", "Mufasa", "Circle", "n1")
    assert not admitted("digest", answer, "DESCRIBE", "Mufasa", "Circle", "n2")
    assert not admitted("basic", "Basic !!!", "DESCRIBE", "Mufasa", "Circle", "")
    assert challenge("basic", "") == 'Basic realm="camera"'
