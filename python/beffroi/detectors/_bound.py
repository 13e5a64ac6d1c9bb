"""Runs a model with buffers that stay on its device: no memory is asked for while it runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Bound:
    """One set of buffers for each size of batch, made when it is first needed.

    May be called by several threads; they take turns, as a card does anyway.

    Parameters
    ----------
    session
        An ``onnxruntime.InferenceSession``.
    device
        Where its inputs lie: ``cuda`` or ``cpu``. Outputs are small and come back to the processor.
    outputs
        Names of the outputs that are wanted.
    """

    def __init__(self, session: Any, device: str, outputs: Sequence[str]) -> None:
        self._session, self._device, self._outputs = session, device, outputs
        self._made: dict[tuple[int, ...], tuple[Any, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """The outputs for `inputs`, in the order of their names; copies, which the next run leaves alone."""
        with self._lock:
            shape = next(iter(inputs.values())).shape
            if shape not in self._made:
                self._made[shape] = self._make(inputs)
            binding, buffers = self._made[shape]
            for name, array in inputs.items():
                buffers[name].update_inplace(np.ascontiguousarray(array))
            binding.synchronize_inputs()
            self._session.run_with_iobinding(binding)
            binding.synchronize_outputs()
            return [np.array(value) for value in binding.copy_outputs_to_cpu()]

    def _make(self, inputs: Mapping[str, Array]) -> tuple[Any, dict[str, Any]]:
        from onnxruntime import OrtValue

        binding = self._session.io_binding()
        buffers = {
            name: OrtValue.ortvalue_from_shape_and_type(list(array.shape), array.dtype, self._device, 0)
            for name, array in inputs.items()
        }
        for name, buffer in buffers.items():
            binding.bind_ortvalue_input(name, buffer)
        for name in self._outputs:
            binding.bind_output(name, "cpu")
        return binding, buffers
