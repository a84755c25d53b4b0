//! The HTTP API over a whole application: documents and jobs, lists and filters, and what is refused.

mod conversations;
mod forms;
mod jobs;
mod lists;
mod requests;
mod service;
mod unanswered;
mod uploads;
mod versions;
pub mod webhooks;
