//! How well files are read: what extraction makes of them beside a ground truth, and beside other programs on the same
//! files.
//!
//! Three figures for each file, all between 0 and 1 and defined in their modules: how alike the words are in their order
//! (`similarity`), how alike without it (`similarity::f1`), and, where the ground truth has tables, how alike the tables
//! are (`table_similarity`). The words are taken out of everybody's Markdown by the same rules (`words`). A file that a
//! system cannot read counts 0 in all of them, and is named. What is shown for a format is the mean over its files, each
//! with the same weight, with an interval from drawing files.
//!
//! A ground truth that another program has written holds that program's conventions: figures say how far a system is
//! from it, and the distance between two systems on the same files says more than either figure alone.
//!
//! `data` reads the folder, `peer` asks other programs. May depend on `ingest::extract` and the modules of `eval`.

pub mod data;
mod figures;
pub mod peer;
pub mod similarity;
pub mod table_similarity;
pub mod tables;
pub mod words;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use self::figures::{ExtractionReport, FileFigures, FileScores, FormatFigures, SystemFigures, report};
use self::{
    data::Sample,
    peer::{PeerError, ReadingPeer},
    similarity::MAX_WORDS,
    tables::Grid,
};
use crate::ingest::extract::{ExtractError, Extractor};

/// What our own extraction is called.
pub const OURS: &str = "footnote";

/// Why extraction cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum ExtractionEvalError {
    /// The data is not there.
    #[error(transparent)]
    Data(#[from] data::DataError),
    /// A peer cannot be measured.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// Nothing about the file: our own child process could not be run.
    #[error("cannot measure {0}: {1}")]
    Ours(String, ExtractError),
    /// Its words or tables are more than are compared.
    #[error(
        "{0}: {1} is too large to be compared (at most {MAX_WORDS} words, and {pairs} pairs of table cells); \
         take the file out of the folder",
        pairs = table_similarity::MAX_PAIRS
    )]
    TooLarge(String, String),
    /// What a system wrote cannot be kept.
    #[error("cannot write {0}: {1}")]
    Keep(PathBuf, io::Error),
}

impl ExtractionEvalError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Data(error) => error.is_transient(),
            Self::Peer(error) => error.is_transient(),
            Self::Ours(_, error) => error.is_transient(),
            Self::TooLarge(..) => false,
            Self::Keep(..) => true,
        }
    }
}

/// Reads every sample with our extraction and with each peer, and compares. What a system wrote is kept below `kept` as
/// `SYSTEM/FORMAT/FILE.md`. `done` hears of every file, when all systems have read it.
pub async fn measure(
    samples: &[Sample],
    extractor: &Extractor,
    peers: &mut [ReadingPeer],
    kept: &Path,
    mut done: impl FnMut(&FileFigures),
) -> Result<Vec<FileFigures>, ExtractionEvalError> {
    let mut measured = Vec::with_capacity(samples.len());
    for sample in samples {
        let truth = Truth::of(sample)?;
        let mut systems = Vec::with_capacity(1 + peers.len());
        let ours = read_ours(sample, extractor, &place(kept, OURS, sample)?).await?;
        systems.push(truth.scores(sample, OURS, ours)?);
        for peer in peers.iter_mut() {
            let read = peer.read(&sample.source, &place(kept, &peer.name, sample)?).await?;
            systems.push(truth.scores(sample, &peer.name, read)?);
        }
        let figures = FileFigures {
            format: sample.format.clone(),
            file: sample.file.clone(),
            words: truth.words.len(),
            tables: truth.tables.len(),
            systems,
        };
        done(&figures);
        measured.push(figures);
    }
    Ok(measured)
}

async fn read_ours(
    sample: &Sample,
    extractor: &Extractor,
    output: &Path,
) -> Result<Result<String, String>, ExtractionEvalError> {
    match extractor.extract(&sample.source, &sample.file).await {
        Ok(document) => {
            fs::write(output, &document.text).map_err(|error| ExtractionEvalError::Keep(output.to_owned(), error))?;
            Ok(Ok(document.text))
        }
        Err(error) if error.is_transient() => Err(ExtractionEvalError::Ours(sample.file.clone(), error)),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Where a system writes what it makes of a file. Nothing of an earlier run is left there.
fn place(kept: &Path, system: &str, sample: &Sample) -> Result<PathBuf, ExtractionEvalError> {
    let folder = kept.join(system).join(&sample.format);
    let path = folder.join(format!("{}.md", sample.file));
    let made = fs::create_dir_all(&folder).and_then(|()| match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    });
    made.map(|()| path.clone()).map_err(|error| ExtractionEvalError::Keep(path, error))
}

/// What a file says.
struct Truth {
    words: Vec<String>,
    tables: Vec<Grid>,
}

impl Truth {
    fn of(sample: &Sample) -> Result<Self, ExtractionEvalError> {
        let (words, tables) = (words::words(&sample.truth), tables::tables(&sample.truth));
        check_size(sample, "its ground truth", &words)?;
        Ok(Self { words, tables })
    }

    fn scores(
        &self,
        sample: &Sample,
        system: &str,
        read: Result<String, String>,
    ) -> Result<FileScores, ExtractionEvalError> {
        let has_tables = !self.tables.is_empty();
        let text = match read {
            Ok(text) => text,
            Err(error) => return Ok(FileScores::unread(system, has_tables, error)),
        };
        let words = words::words(&text);
        let what = format!("what {system} wrote");
        check_size(sample, &what, &words)?;
        let tables = has_tables.then(|| {
            table_similarity::table_similarity(&self.tables, &tables::tables(&text))
                .ok_or_else(|| ExtractionEvalError::TooLarge(sample.file.clone(), what))
        });
        Ok(FileScores {
            system: system.to_owned(),
            error: None,
            text: similarity::similarity(&self.words, &words),
            words: similarity::f1(&self.words, &words),
            tables: tables.transpose()?,
        })
    }
}

fn check_size(sample: &Sample, what: &str, words: &[String]) -> Result<(), ExtractionEvalError> {
    if words.len() > MAX_WORDS {
        return Err(ExtractionEvalError::TooLarge(sample.file.clone(), what.to_owned()));
    }
    Ok(())
}
