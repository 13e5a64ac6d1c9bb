//! Properties of the engine on any input: what holds for every recording, however made, and for every hostile caller.

mod bounds;
mod hostile;
mod identity;
mod incidents;
mod invariance;
mod statistics;
mod world;
