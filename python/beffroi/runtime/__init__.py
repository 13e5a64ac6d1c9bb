"""Running: a site on its cameras, or a recording on a site."""

from beffroi.runtime.report import CameraReport, RunReport
from beffroi.runtime.supervisor import run

__all__ = ["CameraReport", "RunReport", "run"]
