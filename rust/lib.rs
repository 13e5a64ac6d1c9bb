//! beffroi's core: a pure, deterministic function of (scene, timestamped boxes, signals).
//!
//! ```text
//! Engine::step(at, boxes, signals, motion)
//!   detection  columns, validated once, in view units
//!   track      predict -> follow the camera -> match -> start -> drop, on real elapsed time
//!   subject    stable identities over tracks (an id switch is published as `renamed`)
//!   facts      who is in which zone since when, who crossed what, how fast, who stands: once for every rule
//!   rules      what holds now
//!   lifecycle  for how long: pending -> active -> clearing
//!   event      started | updated | ended, with an id that is a pure function of what it is about
//! ```
//!
//! No clock, no randomness, no I/O, no threads, no hash-map order: the same recording gives the same bytes.
//! Time is media time in milliseconds, passed in. Distances are metres or body sizes; geometry is done in view units
//! (x times the picture's aspect ratio, y as it is).

pub mod definition;
pub mod detection;
pub mod engine;
pub mod error;
pub mod event;
pub mod facts;
pub mod geometry;
pub mod ground;
pub mod lifecycle;
pub mod quantity;
pub mod rules;
pub mod scenario;
pub mod scene;
pub mod schedule;
pub mod stats;
pub mod subject;
pub mod time;
pub mod track;
mod watch;

#[cfg(feature = "python")]
mod python;
