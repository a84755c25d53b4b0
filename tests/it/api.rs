//! The HTTP API over a whole application: documents and jobs, lists and filters, and what is refused.

mod collections;
mod conversations;
mod feedback;
mod forms;
mod jobs;
mod lists;
pub mod reports;
mod requests;
mod service;
mod unanswered;
mod uploads;
mod versions;
pub mod webhooks;
