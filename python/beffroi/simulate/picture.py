"""The picture that the camera takes: backdrop, shadows, figures from far to near, light and rain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np

from beffroi.simulate import backdrop, figures, layout
from beffroi.simulate.agent import Agent
from beffroi.simulate.camera import Camera
from beffroi.simulate.canvas import Canvas, Colour, Image, fixed
from beffroi.simulate.weather import Weather


class Painter:
    """Paints the square at any time.

    Parameters
    ----------
    camera
        Who looks.
    size
        Width and height of the picture in pixels.
    agents
        Who may be there.
    signals
        Changes of named states (seconds, name, state): the light at the zebra shows them.
    weather
        Rain and dusk.
    seed
        House fronts, grain and drops.
    """

    def __init__(
        self,
        camera: Camera,
        size: tuple[int, int],
        agents: Sequence[Agent],
        *,
        signals: Sequence[tuple[float, str, str]],
        weather: Weather,
        seed: int,
    ) -> None:
        self._camera = camera
        self._size = size
        self._agents = agents
        self._signals = signals
        self._weather = weather
        self._seed = seed

    @cached_property
    def _backdrop(self) -> Image:
        return backdrop.paint(self._camera, self._size, self._seed)

    def paint(self, t: float) -> Image:
        """The picture at `t` seconds: uint8, shape (height, width, 3), BGR."""
        image = self._backdrop.copy()
        canvas = Canvas(self._camera, image)
        self._shadows(image, t)
        present = [
            (place[1], agent) for agent in self._agents if (place := agent.path.at(t)) and place[1] > 4.0
        ]
        # A rider sits on the cycle: drawn right after it.
        present.sort(key=lambda item: (-item[0], item[1].rides or item[1].name, item[1].rides is not None))
        light_drawn = not self._signals
        for y, agent in present:
            if not light_drawn and y < 21.6:
                self._light(canvas, t)
                light_drawn = True
            figures.draw(canvas, agent, t, lights=self._weather.dusk > 0.2)
        if not light_drawn:
            self._light(canvas, t)
        return self._weathered(image, t)

    def _shadows(self, image: Image, t: float) -> None:
        mask = np.zeros(image.shape[:2], np.uint8)
        camera, size = self._camera, np.array(self._size, np.float64)
        for agent in self._agents:
            outline = figures.shadow(agent, t)
            if outline is not None and outline[:, 1].min() > 2.0:
                cv2.fillPoly(mask, [fixed(camera.project(outline) * size)], 255, cv2.LINE_AA, 4)
        strength = 0.34 * (1.0 - 0.7 * max(self._weather.rain, self._weather.dusk))
        ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(ys):
            return
        part = (slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1))
        darker = cv2.convertScaleAbs(image[part], alpha=1 - strength)
        # Only what lies in the shade is touched: blending the whole picture costs more than all the figures.
        cv2.copyTo(darker, mask[part], image[part])

    def _light(self, canvas: Canvas, t: float) -> None:
        """The light at the zebra."""
        state = "green"
        for at, _, name in self._signals:
            if at <= t:
                state = name
        x, y = layout.STOP_LINE + 0.3, layout.KERB - 0.5
        canvas.stroke(np.array([(x, y, 0.0), (x, y, 2.5)]), (70, 70, 72), 0.1)
        canvas.stroke(np.array([(x, y, 2.3), (x, y, 3.3)]), (48, 46, 46), 0.36)
        lamps: tuple[tuple[str, float, Colour], ...] = (
            ("red", 3.15, (60, 50, 240)),
            ("amber", 2.8, (40, 170, 250)),
            ("green", 2.45, (90, 210, 70)),
        )
        for name, z, colour in lamps:
            spot = np.array([x, y, z])
            lit = colour if name == state else (64, 62, 62)
            canvas.disc(canvas.pixels(spot), 0.12 * canvas.scale(spot), lit)

    def _weathered(self, image: Image, t: float) -> Image:
        rain, dusk = self._weather.rain, self._weather.dusk
        if rain <= 0 and dusk <= 0:
            return image
        tint = np.array([1.0 - 0.35 * dusk, 1.0 - 0.5 * dusk, 1.0 - 0.55 * dusk]) * (1.0 - 0.12 * rain)
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        flat = cv2.addWeighted(image, 1.0 - 0.35 * rain, grey, 0.35 * rain, 0.0)
        result: Image = np.stack(
            [cv2.convertScaleAbs(flat[..., i], alpha=float(tint[i])) for i in range(3)], axis=-1
        )
        if rain > 0:
            rng = np.random.default_rng([self._seed, 23, round(t * 1000)])
            width, height = self._size
            veil = result.copy()
            length = 0.045 * height
            for x, y, far in rng.uniform(size=(int(160 * rain), 3)):
                start = np.array([x * width, y * height])
                end = start + np.array([-0.18, 1.0]) * length * (0.5 + far)
                points = fixed(np.stack([start, end]))
                cv2.line(veil, points[0].tolist(), points[1].tolist(), (214, 212, 208), 1, cv2.LINE_AA, 4)
            cv2.addWeighted(veil, 0.45, result, 0.55, 0.0, dst=result)
        return result
