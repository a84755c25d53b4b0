//! Training of models that compare two texts: pairs in, `pairs.json` and an adapter out.
//!
//! `data` reads pairs and refuses what would spoil the run, `config` is the recipe, `sequences` turns pairs into windows,
//! `model` is what is trained, `tune` chooses calibration and thresholds afterwards, with the `scores` of many pairs.
//! May depend on the siblings of the parent and the encoder.

pub mod config;
pub mod data;
pub mod model;
pub mod scores;
pub mod sequences;
#[cfg(test)]
mod tests;
pub mod tune;
