//! What the tracker believes about things that move and about detectors: every constant that decides who is who.
//!
//! Lengths are in body sizes ([`super::body_size`]), sizes of boxes in their natural logarithms, times in seconds. The
//! values do well on the `MOTChallenge` and `CityFlow` sequences of `beffroi evaluate tracking`, with detectors of three
//! makes at 5 to 30 pictures a second. What each one trades is said beside it.

use crate::detection::Group;
use crate::track::kalman::Transition;

/// How things of one kind move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    /// Acceleration noise along the picture's width and height, squared body sizes / s³. More follows a sudden turn,
    /// less carries on through a gap. Most of what moves is seen from above at a slant, which shortens what goes towards
    /// the camera and away from it: so less along y.
    pub(super) jerkiness: [f64; 2],
    /// Position noise that a steady speed cannot explain (steps, swaying), squared body sizes / s.
    pub(super) wander: [f64; 2],
    /// Standard deviation of the speed of something never seen before, body sizes / s.
    pub(super) speed: [f64; 2],
    /// Acceleration noise of the logarithm of the size, 1 / s³: approach, and turning sideways.
    pub(super) growth: f64,
}

/// A walker makes one body height a second, a runner two or three.
const WALKER: Motion =
    Motion { jerkiness: [0.2, 0.067], wander: [0.01, 0.015], speed: [1.8, 1.2], growth: 0.03 };
/// A dog at full speed makes ten body sizes a second.
const RUNNER: Motion =
    Motion { jerkiness: [1.5, 1.0], wander: [0.01, 0.015], speed: [3.0, 2.0], growth: 0.1 };
/// What rolls: its body is a little longer than a person is tall, but it goes five times as fast, and turns.
const ROLLER: Motion =
    Motion { jerkiness: [0.7, 0.7], wander: [0.003, 0.003], speed: [3.0, 2.0], growth: 0.1 };

impl Motion {
    pub(super) fn of(group: Group) -> &'static Self {
        match group {
            Group::Cycle | Group::Vehicle => &ROLLER,
            Group::Person => &WALKER,
            // An object that moves is carried by somebody, who is many times as large.
            Group::Animal | Group::Thing | Group::Object(_) => &RUNNER,
        }
    }
}

/// Seconds after which an unseen speed has fallen to 1/e: people walk on for a few steps more than they stop or turn.
const MEMORY: f64 = 3.0;
/// The same for a change of size, which is mostly posture.
const MEMORY_SIZE: f64 = 0.75;
/// Standard deviation of a change of size never seen before, 1 / s.
pub(super) const GROWTH_SD: f64 = 0.1;

/// Standard deviations of a detector's box that the filters smooth away: centre (body sizes), log width, log height.
/// The width of a walker goes with each step, the height hardly.
pub(super) const NOISE: [f64; 3] = [0.045, 0.12, 0.06];
/// Seconds for which a detector goes on erring the same way: successive pictures are nearly the same picture.
const ERRS_ALIKE: f64 = 0.04;
/// Standard deviations by which a box may differ from its track besides, in association: what is half hidden is cut.
/// Wider lets a track jump to a neighbour, narrower breaks it where the box is cut.
const CUT: [f64; 3] = [0.062, 0.25, 0.12];
/// Variances of the two together.
pub(super) const DIFFERENCE: [f64; 3] = [
    NOISE[0] * NOISE[0] + CUT[0] * CUT[0],
    NOISE[1] * NOISE[1] + CUT[1] * CUT[1],
    NOISE[2] * NOISE[2] + CUT[2] * CUT[2],
];

/// Variances that a box cut by the picture's border adds along the cut: of its centre (squared body sizes) and of the
/// logarithm of its size. Who comes in or goes out grows or shrinks by half within a step, and only looks so.
pub(super) const AT_BORDER: [f64; 2] = [0.1 * 0.1, 0.4 * 0.4];

/// What it costs to leave a track alone: twice the logarithm of how much likelier a body's place is to be this track's
/// than that of somebody new. Lower ends tracks in crowds, higher lets them swap.
pub(super) const ALONE: f64 = 9.3;
/// The same for a track that was seen in the previous step, against a body that nobody else has a claim to: it has set
/// off, stopped or been jolted faster than anybody expects, but it is hardly another (the idea of observation-centric
/// recovery, Cao et al., OC-SORT, 2023).
pub(super) const ALONE_TOGETHER: f64 = 20.0;
/// Two tracks whose costs for one detection differ by less than this are rivals for it ...
pub(super) const RIVALS: f64 = 1.5;
/// ... and whoever gets it believes it less: so many times the variance. Who meets somebody and walks on keeps their
/// speed while it cannot be told who is who.
pub(super) const RIVALRY: f64 = 4.0;
/// What a box of a score below [`super::Settings::high`] costs more: it may be nothing at all.
pub(super) const DOUBT: f64 = 6.0;
/// What boxes that do not overlap cost more than those that cover each other: where bodies stand close, the shape decides.
pub(super) const OVERLAP: f64 = 0.5;
/// What a full change of score costs: who was half hidden still is (Yang et al., Hybrid-SORT, 2024).
pub(super) const CONFIDENCE: f64 = 0.3;

/// Share of the acceleration noise that remains for somebody unseen who stood still: who stands goes on standing.
const RESTING: f64 = 1.0 / 3.0;
/// From this speed on (body sizes / s) somebody unseen moves like anybody.
const MOVING: f64 = 0.3;

/// Share of the acceleration noise for somebody unseen with this speed (body sizes / s).
pub(super) fn liveliness(speed: f64) -> f64 {
    RESTING + (1.0 - RESTING) * (speed / MOVING).min(1.0)
}

/// What a step of time does to the filters of every track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage {
    pub(super) place: Transition,
    pub(super) size: Transition,
    /// Variances of a detection's centre (squared body sizes), log width and log height, as the filters take them.
    pub(super) noise: [f64; 3],
}

impl Passage {
    /// What happens in `dt` seconds.
    pub(super) fn over(dt: f64) -> Self {
        // Errors that fade with `ERRS_ALIKE` are worth fewer independent ones (Bayley and Hammersley, 1946).
        // At no time at all they would be worth nothing.
        let alike = (-dt / ERRS_ALIKE).exp().min(0.9);
        let grown = (1.0 + alike) / (1.0 - alike);
        Self {
            place: Transition::over(dt, MEMORY),
            size: Transition::over(dt, MEMORY_SIZE),
            noise: NOISE.map(|sd| sd * sd * grown),
        }
    }
}
