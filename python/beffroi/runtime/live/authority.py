"""Which rules of a live camera an authorisation covers today; the others are not run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beffroi.config.site import Site
    from beffroi.config.view import View


def refused(site: Site, camera: str, today: date) -> dict[tuple[str, str], str]:
    """Why rules of a camera may not run on a day, by view and rule; empty if all may.

    In an evaluation nothing is acted on, and nothing needs an authorisation.
    """
    if site.is_evaluation(camera):
        return {}
    why = {}
    for name, view in site.cameras[camera].views.items():
        for rule in view.rules:
            if rule.get("enabled") is not False and (reason := _refusal(site, camera, rule, today)):
                why[name, str(rule.get("name"))] = reason
    return why


def permitted(view: View, name: str, refusals: Mapping[tuple[str, str], str]) -> View:
    """The view with the rules that are not refused."""
    kept = tuple(rule for rule in view.rules if (name, str(rule.get("name"))) not in refusals)
    return view if len(kept) == len(view.rules) else view.model_copy(update={"rules": kept})


def _refusal(site: Site, camera: str, rule: Mapping[str, Any], today: date) -> str | None:
    act = next((act for act in site.authorisations if act.id == rule.get("authorisation")), None)
    if act is None:
        return "no authorisation is named"
    return act.refusal(camera, str(rule.get("type"))) or act.out_of_date(today)
