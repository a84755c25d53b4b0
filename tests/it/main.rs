//! The integration tests: one binary, so that the crate is linked once.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod clients;
mod metadata_store;
mod postgres;
mod program;
mod qdrant_stub;
mod sample;
mod test_app;
mod vector_store;

mod access;
mod adapters;
mod api;
mod archive;
mod ask;
mod bench;
mod cli;
mod client_examples;
mod connectors;
mod crash;
mod delete;
mod extraction;
mod formats;
mod fuzz;
mod hostile;
mod index_life;
#[cfg(feature = "edge")]
mod kills;
mod learning;
mod mcp;
mod offline;
mod openai;
mod openapi;
mod operations;
mod page;
mod reindex;
mod server_backends;
mod workers;
mod world;
