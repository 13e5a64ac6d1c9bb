"""What is always watched of a camera itself: settings and their defaults."""

from pydantic import Field

from beffroi.components import Settings


class Check(Settings):
    """One thing that can be wrong with a camera. Times are media time."""

    enabled: bool = Field(default=True, description="False: never looked at.")
    after: float = Field(default=3.0, ge=0, le=3600, description="Seconds it must last before it is told.")
    clear_after: float = Field(default=2.0, ge=0, le=3600, description="Seconds of the contrary that end it.")


class SignalLost(Check):
    """No picture comes."""

    after: float = Field(
        default=3.0,
        ge=0.5,
        le=3600,
        description="Seconds without a picture; at least three times what is usual between two.",
    )
    clear_after: float = Field(default=0.0, ge=0, le=0, description="The next picture ends it.")


class ClockJump(Check):
    """The source's clock began again, or leapt ahead."""

    after: float = Field(
        default=3600.0, gt=0, description="Seconds ahead that are a clock set anew rather than a lost signal."
    )


class TooDark(Check):
    """Dark without structure; a lit street at night has some."""

    share: float = Field(
        default=0.9, gt=0, le=1, description="Share of the picture that must be dark and flat."
    )
    level: float = Field(
        default=40.0, ge=0, le=255, description="Mean grey level (0 to 255) below which a place is dark."
    )


class TooBright(Check):
    """Glare without structure."""

    share: float = Field(
        default=0.9, gt=0, le=1, description="Share of the picture that must be bright and flat."
    )
    level: float = Field(
        default=225.0, ge=0, le=255, description="Mean grey level (0 to 255) above which a place is bright."
    )


class Covered(Check):
    """Something stands before the lens: structure is gone that was there a minute ago."""

    share: float = Field(
        default=0.45,
        gt=0,
        le=1,
        description="Share of what usually shows structure that has lost it; in a picture without any, half "
        "the share that is flat.",
    )


class Blurred(Check):
    """Less sharp than this view usually is at such light: fog, dirt, a lens out of focus."""

    after: float = Field(default=10.0, ge=0, le=3600, description="Seconds it must last before it is told.")
    clear_after: float = Field(default=5.0, ge=0, le=3600, description="Seconds of the contrary that end it.")
    sharpness: float = Field(
        default=0.5, gt=0, lt=1, description="Share of the usual fine detail below which it is blurred."
    )


class Frozen(Check):
    """Time goes on and the picture does not, not even its noise."""

    after: float = Field(default=10.0, ge=1, le=3600, description="Seconds of the same picture.")
    clear_after: float = Field(default=0.0, ge=0, le=3600, description="Seconds of the contrary that end it.")


class ViewMoved(Settings):
    """The view is not the view that the rules were drawn on."""

    enabled: bool = Field(default=True, description="False: never looked at.")
    tolerance: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="Farthest displacement that is still the view, as a share of the picture's width.",
    )
    after: float = Field(
        default=2.0, ge=0.5, le=3600, description="Seconds elsewhere; the middle of a swing counts."
    )
    settle: float = Field(
        default=2.0, ge=0.5, le=3600, description="Seconds back in place before rules are judged again."
    )
    learn: float = Field(
        default=15.0, ge=3, le=3600, description="Seconds for which a new view stands still to be known."
    )


class Health(Settings):
    """What is always watched of the camera itself, without a rule."""

    enabled: bool = Field(default=True, description="False: nothing of it is watched.")
    signal_lost: SignalLost = Field(default=SignalLost(), description="No picture comes.")
    too_dark: TooDark = Field(default=TooDark(), description="Dark without structure.")
    too_bright: TooBright = Field(default=TooBright(), description="Glare without structure.")
    blurred: Blurred = Field(default=Blurred(), description="Less sharp than usual.")
    covered: Covered = Field(default=Covered(), description="Something stands before the lens.")
    frozen: Frozen = Field(default=Frozen(), description="The picture does not change at all.")
    view_moved: ViewMoved = Field(default=ViewMoved(), description="The view is another one.")
    clock_jump: ClockJump = Field(default=ClockJump(), description="The stream's clock leaps.")
