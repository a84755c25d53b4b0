//! Footnote: question answering over an organisation's own documents, with footnotes that can be checked.
//!
//! Two flows, each a folder whose `mod.rs` calls its stages in their order:
//!
//! ```text
//! a document:  upload -> extract -> chunk -> embed -> store (vectors, then the metadata commit)   ingest
//! a question:  preprocess -> retrieve -> read -> generate -> postfilter -> act                    answer
//! ```
//!
//! Dependencies point down this list only: `cli`, `http`, `adapters` (the registry), `app` (the one place that chooses
//! backends), `eval` and `train`, `serving` (which adapters answer), `unanswered`, `delivery`,
//! `connectors` (sources that are followed), `audit` and `archive` (checks, backups), `access` (who may do what), `ingest` and `answer`, `models`, the stores, `domain`, `faults` (fail points
//! for tests).

pub mod access;
pub mod adapters;
pub mod answer;
pub mod app;
pub mod archive;
pub mod audit;
pub mod audit_log;
pub mod blob_store;
pub mod cli;
pub mod config;
pub mod connectors;
pub mod delivery;
pub mod disk;
pub mod domain;
pub mod eval;
pub mod faults;
pub mod http;
pub mod ingest;
pub mod lock_file;
pub mod mcp;
pub mod metadata_store;
pub mod models;
pub mod serving;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod train;
pub mod unanswered;
pub mod vector_store;
