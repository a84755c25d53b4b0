//! The words of the service: identifiers, documents, chunks, jobs, questions and answers.
//!
//! Pure data and pure functions: no input or output, no async, no vendor types. Every other module may
//! depend on this one, and this one depends on none of them.

mod access;
mod adapter;
mod answer;
mod answer_trace;
mod audit_entry;
mod chunk;
mod connector;
mod conversation;
mod document;
mod feedback;
mod generation;
mod ids;
mod job;
mod key;
mod months;
pub mod personal_data;
mod question;
mod recorded_turn;
mod rule;
pub mod sentences;
mod stages;
pub mod text;
mod unanswered;

pub use access::*;
pub use adapter::*;
pub use answer::*;
pub use answer_trace::*;
pub use audit_entry::*;
pub use chunk::*;
pub use connector::*;
pub use conversation::*;
pub use document::*;
pub use feedback::*;
pub use generation::*;
pub use ids::*;
pub use job::*;
pub use key::*;
pub use months::*;
pub use question::*;
pub use recorded_turn::*;
pub use rule::*;
pub use stages::*;
pub use unanswered::*;
