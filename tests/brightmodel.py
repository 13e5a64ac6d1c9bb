"""A small ONNX model for any number of pictures, whose one box lies where the brightness says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIDE = 32


def bright_bytes(scalings: int = 0, channels: int = 3) -> bytes:
    """A model with the inputs and outputs of a DEIM export.

    Its box is 0.1 wide and begins at half the mean brightness, in both directions. Before that come as many
    blocks of convolution, Relu, times a number, plus a number as `scalings`, as in HGNetV2.
    """
    random = np.random.default_rng(5)
    nodes, constants = [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value, name))
        return name

    values, width = "images", 3
    for index in range(scalings):
        weights = random.uniform(-0.2, 0.4, (channels, width, 3, 3)).astype(np.float32)
        block = f"block{index}"
        conv = [values, constant(f"{block}.w", weights)]
        nodes += [
            helper.make_node("Conv", conv, [f"{block}.conv"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"{block}.conv"], [f"{block}.relu"]),
        ]
        times = constant(f"{block}.times", np.array([random.uniform(0.2, 1.2)], np.float32))
        plus = constant(f"{block}.plus", np.array([random.uniform(-0.3, 0.3)], np.float32))
        nodes += [
            helper.make_node("Mul", [times, f"{block}.relu"], [f"{block}.mul"], name=f"{block}/Mul"),
            helper.make_node("Add", [f"{block}.mul", plus], [f"{block}.out"]),
        ]
        values, width = f"{block}.out", channels
    corner = constant("corner", np.array([[[0.5, 0.5, 0.5, 0.5]]], np.float32))
    side = constant("side", np.array([[[0, 0, 0.1, 0.1]]], np.float32))
    shape, flat = (
        constant("shape", np.array([-1, 1, 1], np.int64)),
        constant("flat", np.array([-1, 1], np.int64)),
    )
    nodes += [
        helper.make_node("ReduceMean", [values], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", shape], ["level"]),
        helper.make_node("Mul", ["level", corner], ["begins"]),
        helper.make_node("Add", ["begins", side], ["boxes"]),
        helper.make_node("Reshape", ["mean", flat], ["row"]),
        helper.make_node("Mul", ["row", constant("none", np.zeros((1, 1), np.float32))], ["zero"]),
        helper.make_node("Cast", ["zero"], ["labels"], to=TensorProto.INT64),
        helper.make_node("Add", ["zero", constant("score", np.full((1, 1), 0.9, np.float32))], ["scores"]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    sizes = helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, ["n", 2])
    outputs = [
        helper.make_tensor_value_info("labels", TensorProto.INT64, ["n", 1]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", 1, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1]),
    ]
    graph = helper.make_graph(nodes, "bright", [images, sizes], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def bright_model(folder: Path, scalings: int = 0) -> Path:
    """Write ``bright.onnx`` and ``bright.toml`` to `folder`."""
    data = bright_bytes(scalings)
    path = folder / "bright.onnx"
    path.write_bytes(data)
    path.with_suffix(".toml").write_text(
        f"""
name = "bright"
file = "bright.onnx"
sha256 = "{hashlib.sha256(data).hexdigest()}"
bytes = {len(data)}
licence = "CC0-1.0"
origin = "a test"
decoder = "detr"
classes = ["person"]
input = {{ size = [{SIDE}, {SIDE}], fit = "stretch", colour = "rgb", highest = 1.0 }}
score = {{ keep = 0.2, sure = 0.4 }}
output = {{ labels = ["person"] }}
""",
        "utf-8",
    )
    return path
