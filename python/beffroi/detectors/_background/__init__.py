"""The parts of the `background` detector; its settings and its manual are `beffroi.detectors.background`."""
