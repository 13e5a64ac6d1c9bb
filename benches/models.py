"""What a picture costs by model and precision, and what is lost.

``python -m benches.models`` looks at a sample of pictures from the clips of the assets, with each model as it
is published (`plain`), as beffroi runs it (`in layout`), and in 8 bits as onnxruntime's quantiser makes it.
It prints the CPU milliseconds a picture (of all threads of the process, with preparation and boxes; variants
take turns on the same picture, so that a busy machine slows them alike), the same as a share of the default
model's, and how well its sure boxes agree with those of the default model that looks at four tiles as well:
nobody has marked these pictures. A box agrees if one of the same kind (person, vehicle, bag) has half of it
in common.

8 bits: `dynamic` is onnxruntime's dynamic quantisation of all convolutions and products; `convolutions` and
`backbone` are static (QDQ, weights per channel, calibrated on other pictures): of the convolutions alone, and
of all that stands between them in the backbone as well. The transformer stays in 32 bits.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import onnx
from beffroi import assets
from beffroi.components import DetectorConfig
from beffroi.detectors import _session
from beffroi.detectors._boxes import ALIKE, overlap
from beffroi.detectors._decoders import DECODERS, Preparation
from beffroi.detectors._layout import kept_in_layout
from beffroi.detectors.onnx import DEFAULT_MODEL
from beffroi.frame import Detections, Frame
from beffroi.manifest import Manifest, shipped

from benches.detecting import cpu_ms
from benches.kept import pictures

SURE = 0.5
SAME = 0.5
CALIBRATION = 100
KIND = {name: kind for kind, alike in enumerate(ALIKE) for name in alike}
STATIC = {
    "int8 convolutions": ("Conv",),
    "int8 backbone": ("Conv", "Concat", "MaxPool", "Relu", "Pad"),
}


def sample(count: int) -> list[Frame]:
    """Pictures of all clips, each as often as its length allows, in an order that does not change."""
    every = [frame for path in sorted(assets.locate("clips").glob("*.mp4")) for frame in pictures(path, 1)]
    places = np.linspace(0, len(every) - 1, min(count, len(every))).round().astype(int)
    return [every[place] for place in places]


class Calibration:
    """Still pictures as onnxruntime's quantiser reads them; none of them is in the sample."""

    def __init__(self, manifest: Manifest) -> None:
        paths = sorted(assets.locate("stills").rglob("*.jpg"))
        self._paths = iter(paths[:: max(1, len(paths) // CALIBRATION)])
        self._preparation = Preparation(manifest)
        self._inputs = DECODERS[manifest.decoder][0]

    def get_next(self) -> dict[str, Any] | None:
        """Inputs for the next picture; None after the last."""
        path = next(self._paths, None)
        if path is None:
            return None
        tensor = self._preparation.tensor([cv2.imread(str(path))])
        return {name: value.copy() for name, value in self._inputs(tensor).items()}


def quantised(manifest: Manifest, how: str, folder: Path) -> bytes:
    """The weights of a model in 8 bits."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static

    data = assets.locate(manifest.file).read_bytes()
    model = onnx.load_from_string(kept_in_layout(data)[0])
    if model.opset_import[0].version < 13:  # scales per channel are not known before
        model = onnx.version_converter.convert_version(model, 13)
    source, target = folder / "source.onnx", folder / "target.onnx"
    onnx.save(model, str(source))
    if how == "int8 dynamic":
        quantize_dynamic(source, target, op_types_to_quantize=["Conv", "MatMul"])
        return target.read_bytes()
    backbone = [node.name for node in model.graph.node if "backbone" in node.name]
    quantize_static(
        source,
        target,
        Calibration(manifest),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(STATIC[how]),
        nodes_to_quantize=backbone if how == "int8 backbone" and backbone else None,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    return target.read_bytes()


def detector(manifest: Manifest, data: bytes, folder: Path, threads: int, tiles: str = "off") -> Any:
    """A detector with the weights `data`, which is not rewritten."""
    digest = hashlib.sha256(data).hexdigest()
    path = folder / f"{digest[:12]}.onnx"
    path.write_bytes(data)
    own = manifest.model_copy(update={"sha256": digest, "bytes": len(data), "name": digest[:12]})
    rewrite = _session.kept_in_layout
    _session.kept_in_layout = lambda data: (data, 0)  # type: ignore[assignment]
    try:
        from beffroi.detectors._detector import OnnxDetector

        settings = {"model": manifest.name, "threads": threads, "tiles": tiles}
        return OnnxDetector(path, own, DetectorConfig.parse(settings))  # type: ignore[arg-type]
    finally:
        _session.kept_in_layout = rewrite


def variants(folder: Path, only: str) -> Iterator[tuple[str, str, Manifest, bytes]]:
    """Model, precision and weights of each line of the table."""
    for manifest in shipped().values():
        if only not in manifest.name:
            continue
        data = assets.locate(manifest.file).read_bytes()
        yield manifest.name, "plain", manifest, data
        changed, found = kept_in_layout(data)
        if found:
            yield manifest.name, "in layout", manifest, changed
        for how in (*STATIC, "int8 dynamic"):
            try:
                yield manifest.name, how, manifest, quantised(manifest, how, folder)
            except Exception as error:  # the quantiser has no base class for its errors
                print(f"{manifest.name}, {how}: {type(error).__name__}: {str(error).splitlines()[0]}")


def kinds(found: Detections, labels: tuple[str, ...]) -> np.ndarray:
    """The kind of each box: vehicles are one kind, bags another."""
    known = np.array([KIND.get(name, 100 + index) for index, name in enumerate(labels)])
    return known[found.class_id]


def agreeing(boxes: Detections, others: Detections, labels: tuple[str, ...]) -> tuple[int, int]:
    """How many sure `boxes` there are, and how many of them agree with one of `others`."""
    sure = boxes.score >= SURE
    if not sure.any() or not len(others):
        return int(sure.sum()), 0
    alike = kinds(boxes, labels)[sure][:, None] == kinds(others, labels)[None]
    return int(sure.sum()), int(((overlap(boxes.xyxy[sure], others.xyxy) >= SAME) & alike).any(axis=1).sum())


def table(frames: list[Frame], folder: Path, only: str) -> None:
    """Print the table."""
    default = shipped()[DEFAULT_MODEL]
    weights = kept_in_layout(assets.locate(default.file).read_bytes())[0]
    truth = detector(default, weights, folder, 1, "2x2")
    expected = [truth.detect([frame])[0] for frame in frames]
    rows = list(variants(folder, only))
    runs = [[detector(each[2], each[3], folder, threads) for threads in (1, 2)] for each in rows]
    baseline = detector(default, weights, folder, 1)
    costs: list[list[list[float]]] = [[[], []] for _ in rows]
    found: list[list[Detections]] = [[] for _ in rows]
    ratios: list[list[float]] = [[] for _ in rows]
    for frame in frames:
        own = cpu_ms(lambda frame=frame: baseline.detect([frame]))[0]
        for row, pair in enumerate(runs):
            for column, each in enumerate(pair):
                cost, seen = cpu_ms(lambda frame=frame, each=each: each.detect([frame])[0])
                costs[row][column].append(cost)
                if column == 0:
                    found[row].append(seen)
                    ratios[row].append(cost / own)
    names = ("1 thread", "2 threads", "of default", "recall", "precision")
    print(f"{'model':14}{'precision':20}" + "".join(f"{name:>12}" for name in names))
    for row, (name, how, manifest, _) in enumerate(rows):
        labels = tuple(label for label in manifest.output.labels if label in manifest.classes)
        pairs = list(zip(expected, found[row], strict=True))
        recall = share(agreeing(a, sure(b), labels) for a, b in pairs)
        precision = share(agreeing(b, a, labels) for a, b in pairs)
        figures = [f"{median(each):12.2f}" for each in costs[row]]
        figures += [f"{median(ratios[row]):12.2f}", f"{recall:12.3f}", f"{precision:12.3f}"]
        print(f"{name:14}{how:20}{''.join(figures)}")


def sure(found: Detections) -> Detections:
    """The sure boxes alone."""
    mask = found.score >= SURE
    return Detections(found.xyxy[mask], found.score[mask], found.class_id[mask])


def share(counts: Iterator[tuple[int, int]]) -> float:
    """The second numbers as a share of the first."""
    total, good = np.sum(list(counts), axis=0)
    return float(good / max(total, 1))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=150)
    parser.add_argument("--only", default="", help="part of a model's name")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        table(sample(options.pictures), Path(folder), options.only)


if __name__ == "__main__":
    main()
