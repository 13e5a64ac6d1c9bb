"""What is always watched of a camera itself, without a rule.

While a camera sees nothing, or something else than its view, nothing is judged: what was active ends, and the
minutes count as not analysed. A blurred picture is told of and judged on.

# `signal_lost`
No picture comes, or the stream broke.

## What holds
For `after` there is no picture, and for three times what is usual between two.

## What it cannot see
A stream that still sends pictures, all the same: that is `frozen`.

# `clock_jump`
The source's clock began again, or leapt ahead.

## What holds
A picture is older than the one before, or younger by `after` or more. What was active ends; the next picture
is judged.

## What it cannot see
A clock that is wrong and runs evenly.

# `too_dark`
The picture is dark and shows no structure.

## What holds
`share` of the picture is below `level` and flat, for `after`. A lit street at night has structure.

## What it cannot see
Darkness that a few lamps interrupt all over the picture: that still counts as seen.

# `too_bright`
The picture is glare without structure.

## What holds
`share` of the picture is above `level` and flat, for `after`.

## What it cannot see
Glare in a part of the picture only, such as a low sun.

# `blurred`
The picture is less sharp than usual: fog, dirt, a lens out of focus.

## What holds
Less than `sharpness` of the fine detail that the view usually shows in such light is left, for `after`.

## What it cannot see
A lens that was never in focus, and what becomes dirty over weeks: it is usual by then.

# `covered`
Something is before the lens: structure is gone that was there a minute ago.

## What holds
`share` of what usually shows structure has lost it, for `after`; glare is not taken for it.

## What it cannot see
Cobwebs and stickers on a small part, and a thing that brings as much structure as it hides.

# `frozen`
Time goes on and the picture does not, not even its noise.

## What holds
For `after` next to no pixel differs.

## What it cannot see
A frozen picture that is encoded anew at low quality: its noise changes as much as a still scene's.

# `view_moved`
The view is not the view that the rules were drawn on.

## What holds
The picture lies further than `tolerance` of its width from the view, or shows another place, for `after`.

## What it cannot see
A view without structure, and a shift below `tolerance`.
"""

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
