"""Changed rules on recorded boxes: what would have been told, and what people said of what was told.

A recording (`beffroi.recording`) holds all that decides, so a rule can be changed today and tried on last
month. `compare` matches the alerts of two such trials, or of a trial and of what was told then;
`sweep` does it for every value of one setting. Verdicts of people stand beside both.
"""

from __future__ import annotations

from beffroi.backtest.match import Comparison, compare
from beffroi.backtest.play import Played, chosen_recordings, play
from beffroi.backtest.sweep import Sweep, sweep
from beffroi.backtest.told import Incident, told
from beffroi.backtest.values import Setting
from beffroi.backtest.verdicts import Verdicts

__all__ = [
    "Comparison",
    "Incident",
    "Played",
    "Setting",
    "Sweep",
    "Verdicts",
    "chosen_recordings",
    "compare",
    "play",
    "sweep",
    "told",
]
