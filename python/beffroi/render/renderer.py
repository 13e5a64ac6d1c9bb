"""Films of what the engine sees: blurred, then drawn upon, then encoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.render.board import Board, Timer
from beffroi.render.film import Film
from beffroi.render.overlay import Overlay
from beffroi.render.panel import Panel

if TYPE_CHECKING:
    from beffroi._core import Step
    from beffroi.frame import Detections

LEAST_HEIGHT = 480
"""Smaller pictures are enlarged, because text on them could not be read."""


class Renderer:
    """Writes an annotated film, one analysed picture after the other.

    Parameters
    ----------
    path
        The MP4 file; it appears under this name when the film is closed.
    size
        Width and height of the pictures.
    fps
        About how many pictures a second there will be.
    labels
        What a class id means.
    scene
        The scene that the engine runs: zones, lines, rules.
    title
        Written beside the picture, with the time: site, camera, view.
    evaluation
        Mark the film as an evaluation.
    blur
        Blur people and vehicles before anything is drawn.

    Raises
    ------
    RecordingError
        If the film cannot be written.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: float,
        labels: Sequence[str],
        *,
        scene: Mapping[str, Any] | None = None,
        title: str = "",
        evaluation: bool = True,
        blur: bool = True,
    ) -> None:
        self._factor = max(1, -(-LEAST_HEIGHT // size[1])) if size[1] < LEAST_HEIGHT else 1
        film_size = (size[0] * self._factor, size[1] * self._factor)
        self._labels = tuple(labels)
        self._blur = blur
        self.board = Board({"classes": list(labels), **(scene or {})})
        self._overlay = Overlay(film_size, labels, evaluation=evaluation)
        self._panel = Panel(film_size, title)
        self._film = Film(path, (film_size[0] + self._panel.size[0], film_size[1]), fps)

    def write(
        self,
        at_ms: int,
        image: NDArray[np.uint8],
        step: Step,
        *,
        detections: Detections | None = None,
        timers: Iterable[Timer] = (),
        counts: Mapping[str, Mapping[str, Mapping[str, int]]] | None = None,
    ) -> None:
        """Add one analysed picture.

        Parameters
        ----------
        at_ms
            Media time.
        image
            uint8, shape (height, width, 3), BGR; not changed.
        step
            What the engine found in it.
        detections
            The boxes that it was found from: with them, who is not tracked yet is blurred as well.
        timers
            `Engine.timers` after the step.
        counts
            ``Engine.stats()["lines"]`` after the step; without it, what counting rules publish is shown.

        Raises
        ------
        RecordingError
            If the film cannot be written on.
        """
        self.board.see(at_ms, step, timers, counts)
        self._film.write(at_ms, self.picture(image, step, detections))

    def picture(
        self, image: NDArray[np.uint8], step: Step, detections: Detections | None = None
    ) -> NDArray[np.uint8]:
        """The annotated picture that `write` adds, with the board as it stands."""
        drawn = self._redacted(image, step, detections) if self._blur else image.copy()
        if self._factor > 1:
            drawn = np.asarray(
                cv2.resize(drawn, None, fx=self._factor, fy=self._factor, interpolation=cv2.INTER_CUBIC),
                np.uint8,
            )
        self._overlay.draw(drawn, self.board, step.tracks)
        beside: NDArray[np.uint8] = np.concatenate([drawn, self._panel.paint(self.board)], axis=1)
        return beside

    def close(self) -> None:
        """Finish the film; harmless when repeated."""
        self._film.close()

    def discard(self) -> None:
        """Leave no film behind."""
        self._film.discard()

    def _redacted(
        self, image: NDArray[np.uint8], step: Step, detections: Detections | None
    ) -> NDArray[np.uint8]:
        from beffroi.evidence.redact import blur

        tracks = step.tracks
        boxes, classes, scores = tracks.xyxy, tracks.class_id, tracks.score
        if detections is not None:
            # Tracks that were seen have their box among the detections; those that coast are still somebody.
            unseen = tracks.det < 0
            boxes = np.concatenate([detections.xyxy, boxes[unseen]])
            classes = np.concatenate([detections.class_id, classes[unseen]])
            scores = np.concatenate([detections.score, scores[unseen]])
        return blur(image, boxes, [self._labels[int(c)] for c in classes], scores)
