//! Text recognition (OCR) by a program of the operator's choice: it is given a PDF of scanned pages, or a picture, and makes
//! a PDF with a layer of text, which then goes through the same extraction as any other.
//!
//! The process that parses may start no program, so its parent does, after it has been told what holds only pictures. No
//! shell is involved. The program gets a folder of its own, which goes with it, no secrets from the environment, a limit on
//! its time and on what it writes; and when it is given up, everything that it has started is ended with it.
//!
//! May depend on `domain`, and on `config` for the command line.

mod merge;
mod run;

use std::{path::Path, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

pub(super) use self::merge::{as_picture, merged};
use crate::config::OcrCommand;

/// Why text recognition came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum OcrError {
    /// There is no such program, or it may not be run.
    #[error("`{program}` cannot be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// Its folder or its files could not be made or read.
    #[error("its files could not be made or read: {0}")]
    Files(std::io::Error),
    /// It ended with a failure.
    #[error("`{program}` ended with {how}{}", last_words(.said))]
    Ended {
        /// The program.
        program: String,
        /// Its exit status.
        how: String,
        /// The end of what it wrote.
        said: String,
    },
    /// It did not end in time.
    #[error("`{program}` was stopped after {seconds} s; raise `ocr_timeout_seconds` or split the file")]
    TimedOut {
        /// The program.
        program: String,
        /// The time that it had.
        seconds: u64,
    },
    /// It wrote more than it may.
    #[error("`{program}` was stopped after it had written more than {limit} bytes")]
    TooLarge {
        /// The program.
        program: String,
        /// The bound.
        limit: u64,
    },
    /// It ended well and made no PDF.
    #[error("`{program}` ended well and wrote no PDF to the place of `{{output}}`{}", last_words(.said))]
    NoOutput {
        /// The program.
        program: String,
        /// The end of what it wrote.
        said: String,
    },
}

impl OcrError {
    /// Whether trying again may end differently.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Files(_))
    }
}

fn last_words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!("; it said: {said}") }
}

/// The program that recognises text. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ocr {
    command: Arc<OcrCommand>,
    timeout: Duration,
    max_output_bytes: u64,
    /// Such programs use all cores by themselves, so one runs at a time.
    place: Arc<Semaphore>,
}

/// What a program may write: pictures of pages take room.
const MAX_OUTPUT_BYTES: u64 = 2 << 30;

impl Ocr {
    /// Starts nothing yet.
    pub fn new(command: OcrCommand, timeout: Duration) -> Self {
        let place = Arc::new(Semaphore::new(1));
        Self { command: Arc::new(command), timeout, max_output_bytes: MAX_OUTPUT_BYTES, place }
    }

    /// Has the file recognised, and returns the PDF with its folder, which goes when it is dropped. Waits for its turn.
    pub(super) async fn recognise(&self, file: &Path, extension: &str) -> Result<run::Recognised, OcrError> {
        // Nobody closes it.
        let _place = self.place.acquire().await.map_err(|error| OcrError::Files(std::io::Error::other(error)))?;
        run::run(&self.command, file, extension, self.timeout, self.max_output_bytes).await
    }

    /// Whether the program works: it is given an empty page.
    pub async fn check(&self) -> Result<(), OcrError> {
        let page = tempfile::NamedTempFile::new().map_err(OcrError::Files)?;
        std::fs::write(page.path(), run::empty_page()).map_err(OcrError::Files)?;
        self.recognise(page.path(), "pdf").await.map(drop)
    }
}

#[cfg(test)]
mod tests;
