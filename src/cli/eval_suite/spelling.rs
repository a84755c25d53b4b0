//! `footnote eval spelling`: how well misspelt words are corrected, on the questions of a suite with typos.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::{
    super::{Exit, output},
    write_lines,
};
use crate::{
    config::Config,
    eval::{
        spelling::{measure, vocabulary},
        suite::Suite,
    },
    models::{catalog::ENCODER_BASE, encoder::features::ReaderTokenizer, locate_one},
};

/// Measure how misspelt words are corrected, by the vocabulary of a suite's passages
///
/// No model is asked and nothing is searched. Weights are chosen on suites over documents that no figure is reported on.
#[derive(Debug, clap::Args)]
pub struct Spelling {
    /// A suite with `typos`
    suite: PathBuf,
    /// Also write each question with a typo, and what was made of it, to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Spelling {
    /// Measures, and prints a line for each figure.
    pub fn run(self, config: &Config) -> anyhow::Result<Exit> {
        let suite = Suite::read(&self.suite)?;
        if suite.typos.is_none() {
            bail!("{} has no `typos`: name the folder of misspellings there", self.suite.display());
        }
        let folder = self.suite.parent().unwrap_or(Path::new("."));
        let resampling = suite.resampling()?;
        let clean = Suite { typos: None, ..suite.clone() }.load(folder)?;
        let asked = suite.load(folder)?;
        let base = locate_one(&config.models_dir, ENCODER_BASE)?;
        let base = ReaderTokenizer::load(&base.join("tokenizer.json"))?.whole_words();
        let words = vocabulary(&asked.passages, &base);
        let (figures, corrected) = measure(&asked.questions, &clean.questions, &words, &resampling);
        if let Some(path) = &self.questions {
            write_lines(path, &corrected)?;
        }
        if self.json {
            output::print_json(&figures)?;
            return Ok(Exit::Ok);
        }
        println!("{} questions with a typo", figures.mistyped);
        println!("  read as they were meant          {}", output::share(figures.right));
        println!("  left as they were                {}", output::share(figures.left));
        println!("  read as something else           {}", output::share(figures.wrong));
        println!("  whose typo is a known word       {}", output::share(figures.all_known));
        println!("{} questions without one", figures.clean);
        println!("  changed                          {}", output::share(figures.clean_changed));
        Ok(Exit::Ok)
    }
}
