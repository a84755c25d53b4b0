//! Measuring the product on questions whose answers are known.
//!
//! A suite (`suite`) says what is asked; `runner` asks it of an `answerer` and scores the replies; a `run` is what
//! remains, as a folder; `compare`, `failures`, `review` and `report` read runs. `product` is the system that is asked,
//! or `external` for any other program. `retrieval` measures the search alone, on the data sets that `squad` and `scifact` read;
//! `extraction` how well files are read.
//!
//! May depend on everything but `cli` and `http`.

pub mod ablation;
pub mod abstention;
pub mod ambiguity;
pub mod answerer;
pub mod assemble;
pub mod bootstrap;
pub mod calibrate;
pub mod calibration;
pub mod card;
pub mod citations;
pub mod compare;
pub mod corpus;
pub mod distractors;
pub mod examples;
pub mod external;
pub mod extraction;
pub mod failures;
pub mod injections;
pub mod measure;
pub mod metric;
pub mod metrics;
pub mod noise;
pub mod pairs;
pub mod parts;
pub mod prediction;
pub mod product;
pub mod redaction;
pub mod report;
pub mod retrieval;
pub mod review;
pub mod risk_coverage;
pub mod run;
pub mod runner;
pub mod scifact;
pub mod scoring;
pub mod spelling;
pub mod squad;
pub mod suite;
#[cfg(test)]
pub mod testing;
pub mod two_questions;
pub mod understanding;
pub mod unfinished;

// Training measures readers with it as well, and does not know the evaluation.
pub use crate::train::squad_score;
