"""A simulated town square: people and vehicles with intent, a camera, an erring detector, the truth.

``Square("loitering", seed=3, weather="rain")`` iterates over moments with the true agents, noisy detections
and, when asked for, a painted picture; ``.scene()`` has the rules that watch it and ``.truth()`` what they
should say.
"""

from beffroi.simulate.agent import Agent
from beffroi.simulate.camera import Camera
from beffroi.simulate.noise import Seen
from beffroi.simulate.square import Moment, Square
from beffroi.simulate.stage import Scenario, Stage, scenario, scenarios
from beffroi.simulate.truthfile import truth_file
from beffroi.simulate.weather import LEVELS, Weather

__all__ = [
    "LEVELS",
    "Agent",
    "Camera",
    "Moment",
    "Scenario",
    "Seen",
    "Square",
    "Stage",
    "Weather",
    "scenario",
    "scenarios",
    "truth_file",
]
