"""What a town writes down: the site file, read and checked as a whole."""

from beffroi.config.examine import Examination, Judged, examine, load
from beffroi.config.site import Authorisation, Camera, Evidence, Header, Site, StoreSettings
from beffroi.config.view import Ground, View

__all__ = [
    "Authorisation",
    "Camera",
    "Evidence",
    "Examination",
    "Ground",
    "Header",
    "Judged",
    "Site",
    "StoreSettings",
    "View",
    "examine",
    "load",
]
