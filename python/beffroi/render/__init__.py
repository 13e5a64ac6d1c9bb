"""What the engine sees, drawn for people: films with zones, tracks, timers and alerts."""

from beffroi.render.board import Board
from beffroi.render.film import Film
from beffroi.render.overlay import Overlay
from beffroi.render.renderer import Renderer

__all__ = ["Board", "Film", "Overlay", "Renderer"]
