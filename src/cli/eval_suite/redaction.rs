//! `footnote eval redaction`: how well personal data is found in texts in which it is marked.

use std::path::PathBuf;

use super::super::{Exit, output};
use crate::eval::{bootstrap::Resampling, redaction::measure, suite::LEVEL};

/// Measure how personal data is found, in texts in which it is marked
#[derive(Debug, clap::Args)]
pub struct Redaction {
    /// Texts with marked spans, as presidio-research publishes them (generated_large.json)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Redaction {
    /// Measures, and prints a line for each kind.
    pub fn run(self) -> anyhow::Result<Exit> {
        let figures = measure(&self.file, &Resampling::new(2_000, 0, LEVEL)?)?;
        if self.json {
            output::print_json(&figures)?;
            return Ok(Exit::Ok);
        }
        for figures in &figures {
            println!(
                "{:<12} recall {}   precision {}   ({} marked, {} found)",
                figures.kind.map_or("all", |kind| kind.as_str()),
                output::share(figures.recall),
                output::share(figures.precision),
                figures.marked,
                figures.found
            );
        }
        Ok(Exit::Ok)
    }
}
