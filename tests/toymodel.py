"""A tiny ONNX model that answers what it was told to, written without the onnx package, and its manifest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

KINDS = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    data = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(data)) + data


def _value(name: str, kind: int, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(_field(1, _field(1 if isinstance(dim, int) else 2, dim)) for dim in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def toy_bytes(
    answers: dict[str, np.ndarray], metadata: dict[str, str] | None = None, side: int = 32
) -> bytes:
    """A model with the inputs of a DEIM export whose outputs are always `answers`."""
    graph = b""
    for name, answer in answers.items():
        tensor = b"".join(_field(1, dim) for dim in answer.shape)
        tensor += _field(2, KINDS[answer.dtype]) + _field(8, f"{name}_value") + _field(9, answer.tobytes())
        graph += _field(5, tensor)
        graph += _field(1, _field(1, f"{name}_value") + _field(2, name) + _field(4, "Identity"))
        graph += _field(12, _value(name, KINDS[answer.dtype], answer.shape))
    graph += _field(2, "toy")
    graph += _field(11, _value("images", 1, (1, 3, side, side)))
    graph += _field(11, _value("orig_target_sizes", 7, (1, 2)))
    model = _field(1, 8) + _field(8, _field(2, 17)) + _field(7, graph)
    for key, value in (metadata or {}).items():
        model += _field(14, _field(1, key) + _field(2, value))
    return model


def detr_answers(boxes: list[tuple[float, float, float, float, float, int]]) -> dict[str, np.ndarray]:
    """Outputs for boxes of x1, y1, x2, y2, score, label."""
    rows = np.array(boxes, np.float64).reshape(1, -1, 6)
    return {
        "labels": rows[:, :, 5].astype(np.int64),
        "boxes": rows[:, :, :4].astype(np.float32),
        "scores": rows[:, :, 4].astype(np.float32),
    }


def toy_model(
    folder: Path,
    answers: dict[str, np.ndarray],
    *,
    labels: tuple[str, ...] = ("person", "car", "truck", "train", "backpack"),
    classes: tuple[str, ...] = ("person", "car", "truck", "backpack"),
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write ``toy.onnx`` and ``toy.toml`` to `folder`; boxes are kept from 0.2 on, and sure from 0.4 on."""
    data = toy_bytes(answers, metadata)
    path = folder / "toy.onnx"
    path.write_bytes(data)
    path.with_suffix(".toml").write_text(
        f"""
name = "toy"
file = "toy.onnx"
sha256 = "{hashlib.sha256(data).hexdigest()}"
bytes = {len(data)}
licence = "CC0-1.0"
origin = "a test"
decoder = "detr"
classes = {list(classes)}
input = {{ size = [32, 32], fit = "stretch", colour = "rgb", highest = 1.0 }}
score = {{ keep = 0.2, sure = 0.4 }}
output = {{ labels = {list(labels)} }}
""",
        "utf-8",
    )
    return path
