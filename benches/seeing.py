"""What the detectors that look at pixels cost.

``python -m benches.seeing`` prints for each the milliseconds a picture of 640 x 360 at 5 pictures a second:
the median of several runs, CPU time of one thread. ``python -m benches.health`` prints the same for camera
health, ``python -m benches.ruling`` what each kind of rule adds.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from beffroi.components import BuildContext, DetectorConfig
from beffroi.frame import Detections, Frame

# Settings of each detector, by the name under which it is printed. `street` is a zone of the view.
SEEING: dict[str, dict[str, Any]] = {
    "background": {"type": "background"},
    "background in a zone": {"type": "background", "zones": ["street"]},
    "background and what moves": {"type": "background", "moving": True},
    "fire": {"type": "fire"},
    "fire, flames only": {"type": "fire", "kinds": ["fire"]},
    "light": {"type": "light", "name": "head", "zone": "head"},
}
SIZE = (640, 360)
FPS = 5
ZONES = {
    "street": ((0.3, 0.4), (0.7, 0.4), (0.8, 0.9), (0.2, 0.9)),
    "head": ((0.1, 0.05), (0.14, 0.05), (0.14, 0.2), (0.1, 0.2)),
}


def street(seconds: float) -> list[Frame]:
    """A drawn street: five people walk, one bag is put down after 12 s, the sensor has noise."""
    width, height = SIZE
    random = np.random.default_rng(1)
    coarse = random.normal(115, 25, (height // 6, width // 6, 3)).astype(np.float32)
    ground = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    noise = [random.normal(0, 3, ground.shape).astype(np.float32) for _ in range(5)]
    frames = []
    for index in range(round(seconds * FPS)):
        second = index / FPS
        image = ground.copy()
        boxes = []
        if second > 12:
            image[200:230, 300:325] = (40, 30, 60)
        for person in range(5):
            left = int((second * (40 + 9 * person) + 120 * person) % (width - 30))
            top = 60 + 45 * person
            image[top : top + 80, left : left + 26] = (30 * person, 60, 120 - 20 * person)
            boxes.append((left / width, top / height, (left + 26) / width, (top + 80) / height))
        found = Detections(np.array(boxes, np.float32), np.full(5, 0.8, np.float32), np.zeros(5, np.uint16))
        picture = np.clip(image + noise[index % 5], 0, 255).astype(np.uint8)
        frames.append(Frame(round(second * 1000), picture, found))
    return frames


def cost_ms(settings: dict[str, Any], frames: list[Frame], runs: int) -> float:
    """Median of the runs' medians. The first 10 s are left out: while it learns, it does less."""
    context = BuildContext("bench", Path(), labels=("person",), zones=ZONES)
    each = []
    for _ in range(runs):
        detector = DetectorConfig.parse(settings).build(context)
        costs = []
        for frame in frames:
            begin = time.thread_time_ns()
            detector.detect([frame])
            costs.append((time.thread_time_ns() - begin) / 1e6)
        detector.close()
        each.append(median(costs[10 * FPS :]))
    return median(each)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", help="part of a name")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    frames = street(30)
    print(f"{'detector':30}{'ms a picture, 640 x 360':>25}")
    for name, settings in SEEING.items():
        if options.only and options.only not in name:
            continue
        print(f"{name:30}{cost_ms(settings, frames, options.runs):>25.2f}")


if __name__ == "__main__":
    main()
