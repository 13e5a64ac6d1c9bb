"""A dome that speaks ONVIF: its preset from PTZ events where it sends them, else from its position."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from beffroi.components import BuildContext, PtzConfig, Seconds

if TYPE_CHECKING:
    from beffroi.ptz._poller import Poller

if find_spec("onvif") is None:
    # Looked for, not imported: importing takes a quarter of a second, and checking a site needs none of it.
    raise ModuleNotFoundError("No module named 'onvif'", name="onvif")


def _host(value: str) -> str:
    # Whoever pastes an address may paste a password along, so what was given is not said again.
    if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:]+", value):
        message = "should be a host name or an address alone, such as 10.20.0.11; the port goes into `port`"
        raise PydanticCustomError("value_error", message)
    return value


def _secret(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str | SecretStr) or not value:
        raise PydanticCustomError("value_error", "should be text that is not empty, such as ${CAM1}")
    return value


class OnvifConfig(PtzConfig):
    """Asks the dome itself, as ONVIF has it."""

    type: Literal["onvif"]
    host: Annotated[str, AfterValidator(_host)] = Field(description="Host name or address of the dome.")
    port: int = Field(default=80, ge=1, le=65535, description="Port of its ONVIF service.")
    user: str | None = Field(
        default=None, min_length=1, repr=False, description="A user of the dome who may see its PTZ status."
    )
    password: Annotated[SecretStr, BeforeValidator(_secret)] | None = Field(
        default=None, repr=False, description="That user's password: `${NAME}`."
    )
    profile: str | None = Field(
        default=None,
        min_length=1,
        description="Token of the media profile whose PTZ is meant; the first one that has PTZ if left out.",
    )
    poll: Seconds = Field(
        default=0.5, ge=0.1, le=1, description="Seconds between two questions where it stands."
    )
    tolerance: float = Field(
        default=0.01,
        gt=0,
        le=0.2,
        description="How far pan, tilt or zoom may be from a preset's, where all of pan is 2 and all of zoom "
        "is 1: 0.01 are 1.8 degrees of pan.",
    )
    timeout: Seconds = Field(default=3.0, ge=0.5, le=30, description="Seconds to wait for an answer.")
    events: bool = Field(
        default=True, description="False: never ask for events; for a dome that grows unsteady with them."
    )

    @model_validator(mode="after")
    def _password_of_somebody(self) -> Self:
        if self.password is not None and self.user is None:
            raise ValueError("a `password` needs the `user` whose it is")
        return self

    def build(self, context: BuildContext) -> Poller:
        """Begin to ask, in a thread of its own."""
        from beffroi.ptz._device import Device
        from beffroi.ptz._poller import Poller

        return Poller(lambda: Device(self), self, context)
