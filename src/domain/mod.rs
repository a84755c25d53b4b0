//! The words of the service: identifiers, documents, chunks, jobs, questions and answers.
//!
//! Pure data and pure functions: no input or output, no async, no vendor types. Every other module may
//! depend on this one, and this one depends on none of them.

mod adapter;
mod answer;
mod chunk;
mod document;
mod generation;
mod ids;
mod job;
mod question;
pub mod sentences;
pub mod text;

pub use adapter::*;
pub use answer::*;
pub use chunk::*;
pub use document::*;
pub use generation::*;
pub use ids::*;
pub use job::*;
pub use question::*;
