//! Measuring the product on questions whose answers are known.
//!
//! May depend on everything but `cli` and `http`.

pub mod metrics;
pub mod retrieval;
pub mod scifact;
pub mod squad;
