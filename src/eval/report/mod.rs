//! Reports for a person: one self-contained HTML page with plots for an evaluation run or a training run.
//!
//! `evaluation`, `ablation` and `training` say what is on a page; `shelf` lists the runs of a folder; `plot` draws; `html` escapes; `format` writes numbers.
//!
//! May depend on `eval::run`, `eval::measure`, `eval::failures`, `eval::ablation` and their parts.

pub mod ablation;
pub mod evaluation;
mod failure_list;
pub mod format;
pub mod html;
mod page_parts;
pub mod plot;
pub mod shelf;
pub mod training;

use std::path::{Path, PathBuf};

use super::run::{self, PREDICTIONS, Run, RunError};

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder holds an evaluation that cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The folder holds a training run that cannot be read.
    #[error(transparent)]
    Training(#[from] training::TrainingError),
}

impl ReportError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Run(error) => error.is_transient(),
            Self::Training(error) => error.is_transient(),
        }
    }
}

/// Writes the `report.html` of a run's folder again, and says where it is: an evaluation where there are predictions,
/// else a training run.
pub fn render_again(folder: &Path) -> Result<PathBuf, ReportError> {
    let page = if folder.join(PREDICTIONS).exists() {
        evaluation::page(&Run::read(folder)?)
    } else {
        training::page(&training::read(folder)?)
    };
    Ok(run::replace_report(folder, &page)?)
}
