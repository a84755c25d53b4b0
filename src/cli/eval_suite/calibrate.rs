//! `footnote eval calibrate`: fits what a confidence means on the answers of a run.

use std::path::PathBuf;

use super::{text, write_new};
use crate::{
    cli::{Exit, output},
    eval::{calibrate::fit, run::Run},
};

/// Fit the probability that an answer is right on a run, and derive the threshold for a share of wrong answers
///
/// The file belongs to the models of the run; the key `calibration` names it. Fit on validation data that nothing is
/// judged by afterwards.
#[derive(Debug, clap::Args)]
pub struct Calibrate {
    /// The run
    run: PathBuf,
    /// The share of wrong answers that is accepted, above 0 and below 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    target_error: f64,
    /// The file; it must not exist
    #[arg(long, value_name = "FILE", default_value = "calibration.json")]
    out: PathBuf,
    /// Print what was fitted as JSON
    #[arg(long)]
    json: bool,
}

impl Calibrate {
    /// Writes the file.
    pub fn run(self) -> anyhow::Result<Exit> {
        let fitted = fit(&Run::read(&self.run)?, self.target_error)?;
        let mut json = serde_json::to_vec_pretty(&fitted.calibration)?;
        json.push(b'\n');
        write_new(&self.out, &json)?;
        if self.json {
            output::print_json(&fitted)?;
        } else {
            print!("{}", text::calibration(&fitted, self.target_error));
            println!("\n{}", self.out.display());
        }
        Ok(Exit::Ok)
    }
}
