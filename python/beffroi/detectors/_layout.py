"""Rewrites a model so that a processor need not shuffle its data between two convolutions.

onnxruntime keeps the values between convolutions in a layout of its own (blocked channels), and puts them
back in order for each step that does not know it. The backbone of DEIMv2 (HGNetV2) has such a step after
every convolution, times a number plus a number. The same is a convolution of one channel by one pixel, which
knows the layout: the products and sums are the same ones in the same order, so the outputs are the same bits.
``python -m benches.models`` prints what it saves.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

# What may stand between the convolution and the scaling: it keeps the number of channels.
BETWEEN = ("Relu",)


def kept_in_layout(data: bytes) -> tuple[bytes, int]:
    """The model with its scalings as convolutions, and how many were rewritten; the same model if none.

    Needs the package ``onnx``: raises `ImportError` without it.
    """
    import onnx

    model = onnx.load_from_string(data)
    graph = model.graph
    constant = {each.name: each for each in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(output.name for output in graph.output)
    adds = {name: node for node in graph.node if node.op_type == "Add" for name in node.input}
    found = 0
    for node in list(graph.node):
        add = adds.get(node.output[0]) if node.op_type == "Mul" else None
        if add is None or uses[node.output[0]] != 1:
            continue
        times, plus = _number(node, constant), _number(add, constant)
        if times is None or plus is None:
            continue
        (values,) = (name for name in node.input if name not in constant)
        channels = _channels(values, maker, constant)
        if channels is None:
            continue
        _replace(graph, node, add, (values, times, plus, channels))
        found += 1
    return (model.SerializeToString(), found) if found else (data, 0)


def _number(node: Any, constant: dict[str, Any]) -> np.ndarray[Any, Any] | None:
    """The one float32 number that `node` works with; None if it is not one."""
    from onnx import numpy_helper

    values = [numpy_helper.to_array(constant[name]) for name in node.input if name in constant]
    if len(values) != 1 or values[0].size != 1 or values[0].ndim > 1 or values[0].dtype != np.float32:
        return None
    return values[0].reshape(())


def _channels(values: str, maker: dict[str, Any], constant: dict[str, Any]) -> int | None:
    """How many channels `values` has, if a convolution made it."""
    node = maker.get(values)
    while node is not None and node.op_type in BETWEEN:
        node = maker.get(node.input[0])
    if node is None or node.op_type != "Conv" or node.input[1] not in constant:
        return None
    weights = constant[node.input[1]]
    return int(weights.dims[0]) if len(weights.dims) == 4 else None


def _replace(graph: Any, node: Any, add: Any, scaling: tuple[str, Any, Any, int]) -> None:
    """Put one convolution in the place of the multiplication `node` and the addition `add`."""
    from onnx import helper, numpy_helper

    values, times, plus, channels = scaling
    place = list(graph.node).index(node)
    weights, bias = f"{node.output[0]}/weights", f"{node.output[0]}/bias"
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.full((channels, 1, 1, 1), times, np.float32), weights),
            numpy_helper.from_array(np.full(channels, plus, np.float32), bias),
        ]
    )
    name = f"{node.name or node.output[0]}/scaling"
    conv = helper.make_node("Conv", [values, weights, bias], [add.output[0]], name=name, group=channels)
    graph.node.insert(place, conv)
    graph.node.remove(node)
    graph.node.remove(add)
