//! beffroi's core.
pub mod detection;
pub mod error;
pub mod geometry;
pub mod ground;
pub mod subject;
pub mod time;
pub mod track;
