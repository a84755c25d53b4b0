//! `footnote eval understanding`: how well requests are understood before anything is searched.

use std::path::PathBuf;

use super::{
    super::{Exit, output},
    write_lines,
};
use crate::eval::{
    bootstrap::Resampling,
    suite::LEVEL,
    understanding::{Part, measure, rewritten},
};

/// Measure how requests are understood: their kinds, fragments, several parts, follow-ups
#[derive(Debug, clap::Args)]
pub struct Understanding {
    /// The folder with the labelled requests
    #[arg(long, value_name = "DIR", default_value = "datasets/understanding")]
    data: PathBuf,
    /// The rows to measure on; rules are tuned on `dev`
    #[arg(long, value_enum, default_value = "test")]
    part: Part,
    /// Also write each follow-up, and what was made of it, to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    follow_ups: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Understanding {
    /// Measures, and prints a line for each figure.
    pub fn run(self) -> anyhow::Result<Exit> {
        let report = measure(&self.data, self.part, &Resampling::new(2_000, 0, LEVEL)?)?;
        if let Some(path) = &self.follow_ups {
            write_lines(path, &rewritten(&self.data, self.part)?)?;
        }
        if self.json {
            output::print_json(&report)?;
            return Ok(Exit::Ok);
        }
        for figure in &report.figures {
            let shown = output::share(figure.estimate);
            println!("{:<14} {:<38} {shown}   ({} rows)", figure.module, figure.name, figure.rows);
        }
        Ok(Exit::Ok)
    }
}
