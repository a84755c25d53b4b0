//! The figures of files, put together for each format and for all.
//!
//! May depend on `eval::bootstrap`.

use serde::Serialize;

use super::OURS;
use crate::eval::bootstrap::{Difference, Estimate, Resampling, Units, mean, paired};

/// What a system made of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileScores {
    /// The name of the system.
    pub system: String,
    /// Why it could not read the file; then the scores are 0.
    pub error: Option<String>,
    /// How alike the words are, in their order.
    pub text: f64,
    /// The F1 of the words, whatever their order.
    pub words: f64,
    /// How alike the tables are; absent where the ground truth has none.
    pub tables: Option<f64>,
}

impl FileScores {
    /// A file that a system could not read.
    pub(super) fn unread(system: &str, has_tables: bool, error: String) -> Self {
        let tables = has_tables.then_some(0.0);
        Self { system: system.to_owned(), error: Some(error), text: 0.0, words: 0.0, tables }
    }
}

/// One file, as all systems read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileFigures {
    /// The name of the format's folder.
    pub format: String,
    /// The name of the file.
    pub file: String,
    /// The number of words in its ground truth.
    pub words: usize,
    /// The number of tables in it.
    pub tables: usize,
    /// Each system, ours first.
    pub systems: Vec<FileScores>,
}

/// A system on the files of a format: means with their intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SystemFigures {
    /// The name of the system.
    pub system: String,
    /// The number of files that it could read.
    pub read: usize,
    /// How alike the words are, in their order.
    pub text: Option<Estimate>,
    /// The F1 of the words.
    pub words: Option<Estimate>,
    /// How alike the tables are, over the files whose ground truth has tables.
    pub tables: Option<Estimate>,
    /// By how much ours is ahead in the first figure, on the same files; absent for ours.
    pub ours_ahead: Option<Difference>,
}

/// All systems on the files of a format.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FormatFigures {
    /// The name of the format's folder; `all` for all of them.
    pub format: String,
    /// The number of files.
    pub files: usize,
    /// The number of files whose ground truth has tables.
    pub with_tables: usize,
    /// Each system, ours first.
    pub systems: Vec<SystemFigures>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtractionReport {
    /// The confidence level of the intervals.
    pub level: f64,
    /// Each format, and at the end all files together where there are several.
    pub formats: Vec<FormatFigures>,
    /// Each file.
    pub files: Vec<FileFigures>,
    /// The files that have no ground truth and were not measured, `FORMAT/FILE`.
    pub without_truth: Vec<String>,
}

/// Puts the figures of files together.
pub fn report(files: Vec<FileFigures>, without_truth: Vec<String>, resampling: &Resampling) -> ExtractionReport {
    let mut names: Vec<&str> = files.iter().map(|file| file.format.as_str()).collect();
    names.dedup();
    let of = |name: &str| files.iter().filter(|file| file.format == name).collect::<Vec<_>>();
    let mut formats: Vec<_> = names.iter().map(|name| together(name, &of(name), resampling)).collect();
    if formats.len() > 1 {
        formats.push(together("all", &files.iter().collect::<Vec<_>>(), resampling));
    }
    ExtractionReport { level: resampling.level(), formats, files, without_truth }
}

fn together(format: &str, files: &[&FileFigures], resampling: &Resampling) -> FormatFigures {
    let names = files.first().map(|file| file.systems.iter().map(|scores| scores.system.as_str()));
    let systems = names.into_iter().flatten().map(|system| of_system(system, files, resampling)).collect();
    let with_tables = files.iter().filter(|file| file.tables > 0).count();
    FormatFigures { format: format.to_owned(), files: files.len(), with_tables, systems }
}

fn of_system(system: &str, files: &[&FileFigures], resampling: &Resampling) -> SystemFigures {
    let scores_of = |system: &str| -> Vec<&FileScores> {
        files.iter().filter_map(|file| file.systems.iter().find(|scores| scores.system == system)).collect()
    };
    let scores = scores_of(system);
    let estimate = |values: &[f64]| mean(values, &Units::questions(values.len()), resampling);
    let texts = |scores: &[&FileScores]| scores.iter().map(|scores| scores.text).collect::<Vec<f64>>();
    let text = texts(&scores);
    let ours_ahead = (system != OURS).then(|| texts(&scores_of(OURS))).and_then(|ours| {
        let mean_of = |values: &[f64], drawn: &[usize]| {
            (!drawn.is_empty()).then(|| drawn.iter().map(|at| values[*at]).sum::<f64>() / drawn.len() as f64)
        };
        let units = Units::questions(text.len().min(ours.len()));
        paired(&units, resampling, |drawn| mean_of(&text, drawn), |drawn| mean_of(&ours, drawn))
    });
    SystemFigures {
        system: system.to_owned(),
        read: scores.iter().filter(|scores| scores.error.is_none()).count(),
        text: estimate(&text),
        words: estimate(&scores.iter().map(|scores| scores.words).collect::<Vec<_>>()),
        tables: estimate(&scores.iter().filter_map(|scores| scores.tables).collect::<Vec<_>>()),
        ours_ahead,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(format: &str, tables: usize, ours: f64, theirs: Option<f64>) -> FileFigures {
        let scores = |system: &str, text: Option<f64>| match text {
            Some(text) => FileScores {
                system: system.into(),
                error: None,
                text,
                words: text,
                tables: (tables > 0).then_some(text),
            },
            None => FileScores::unread(system, tables > 0, "no".into()),
        };
        let systems = vec![scores(OURS, Some(ours)), scores("peer", theirs)];
        FileFigures { format: format.into(), file: "f".into(), words: 1, tables, systems }
    }

    #[test]
    fn means_are_over_the_same_files_and_an_unread_file_counts_nothing() {
        let files = vec![file("a", 1, 0.8, Some(0.6)), file("a", 0, 1.0, None), file("b", 0, 0.5, Some(1.0))];
        let report = report(files, vec![], &Resampling::new(200, 1, 0.95).unwrap());
        let shown: Vec<_> = report.formats.iter().map(|f| (f.format.as_str(), f.files, f.with_tables)).collect();
        assert_eq!(shown, [("a", 2, 1), ("b", 1, 0), ("all", 3, 1)]);
        let [ours, peer] = &report.formats[0].systems[..] else { panic!() };
        assert_eq!((ours.read, peer.read), (2, 1));
        assert!((ours.text.unwrap().value - 0.9).abs() < 1e-12 && (peer.text.unwrap().value - 0.3).abs() < 1e-12);
        assert!((peer.tables.unwrap().value - 0.6).abs() < 1e-12 && report.formats[1].systems[0].tables.is_none());
        assert!((peer.ours_ahead.unwrap().value - 0.6).abs() < 1e-12 && ours.ours_ahead.is_none());
    }
}
