//! `footnote eval extraction`: how well files are read, beside a ground truth and beside other programs.

use std::{cmp::Ordering, collections::HashSet, path::PathBuf};

use anyhow::{Context as _, bail};

use super::{Exit, output};
use crate::{
    config::Config,
    eval::{
        bootstrap::Resampling,
        extraction::{
            ExtractionReport, FileFigures, FileScores, FormatFigures, OURS, data, measure, peer::ReadingPeer, report,
        },
        suite::LEVEL,
    },
    ingest::extract::{CHILD_COMMAND, Extractor, ExtractorConfig},
};

/// The seed and the rounds of the intervals.
const SEED: u64 = 7;
const RESAMPLES: u32 = 2_000;

/// Measure how well files are read, beside a ground truth and other programs
#[derive(Debug, clap::Args)]
pub struct Extraction {
    /// The data: a folder with FORMAT/sources/FILE and FORMAT/groundtruth/FILE.md
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// A program that reads the same files, and what it is called; see benches/extraction_peers.py
    #[arg(long, value_name = "NAME=COMMAND")]
    peer: Vec<String>,
    /// Measure these formats only: names of folders below FOLDER
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    formats: Vec<String>,
    /// Keep what each system makes of each file, as DIR/SYSTEM/FORMAT/FILE.md
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write the figures of all files to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Show the figures of each file, those first in which ours is furthest behind
    #[arg(long)]
    show: bool,
}

impl Extraction {
    /// Reads the files with every system, and prints how near each comes to the ground truth.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let mut peers = self.peer.iter().map(|peer| ReadingPeer::named(peer)).collect::<Result<Vec<_>, _>>()?;
        let mut names = HashSet::from([OURS]);
        if let Some(twice) = peers.iter().find(|peer| !names.insert(&peer.name)) {
            bail!("two systems are called {}; give each --peer a name of its own", twice.name);
        }
        let data::Samples { samples, without_truth } = data::read(&self.data, &self.formats)?;
        // As the service does it.
        let extractor = Extractor::new(ExtractorConfig {
            timeout: config.extract_timeout,
            memory_limit_bytes: config.extract_memory_bytes,
            ..ExtractorConfig::new(&config.extract_program, [CHILD_COMMAND])
        });
        let scratch = tempfile::tempdir()?;
        let kept = match &self.keep {
            None => scratch.path().to_owned(),
            Some(folder) => {
                std::fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))?;
                std::fs::canonicalize(folder)?
            }
        };
        let mut read = 0;
        let files = measure(&samples, &extractor, &mut peers, &kept, |file| {
            read += 1;
            eprintln!("{read} of {}: {}/{}", samples.len(), file.format, file.file);
        })
        .await?;
        let report = report(files, without_truth, &Resampling::new(RESAMPLES, SEED, LEVEL)?);
        if let Some(path) = &self.json {
            let mut json = serde_json::to_string_pretty(&report)?;
            json.push('\n');
            std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
        }
        print!("{}", summary(&report));
        if self.show {
            print!("\n{}", each_file(&report));
        }
        Ok(Exit::Ok)
    }
}

fn summary(report: &ExtractionReport) -> String {
    let mut text = format!(
        "{} files with a ground truth, {} without one; means with {:.0} % intervals\n\n\
         {:<8} {:<14} {:>9}   {:<26}{:<26}{:<34}ours ahead in the text\n",
        report.files.len(),
        report.without_truth.len(),
        100.0 * report.level,
        "format",
        "system",
        "read",
        "text similarity",
        "F1 of the words",
        "table similarity",
    );
    for format in &report.formats {
        text.push_str(&of_format(format));
    }
    let unread: Vec<_> = report.files.iter().flat_map(|file| file.systems.iter().map(move |s| (file, s))).collect();
    let unread = unread.into_iter().filter_map(|(file, scores)| Some((file, scores, scores.error.as_ref()?)));
    for (number, (file, scores, error)) in unread.enumerate() {
        let before = if number == 0 { "\ncould not be read, and counts 0:\n" } else { "" };
        text.push_str(&format!(
            "{before}  {}/{} by {}: {}\n",
            file.format,
            file.file,
            scores.system,
            output::one_line(error)
        ));
    }
    text
}

fn of_format(format: &FormatFigures) -> String {
    let mut text = String::new();
    for (number, system) in format.systems.iter().enumerate() {
        let tables = match format.with_tables {
            0 => "-".to_owned(),
            files => format!("{}  ({files})", output::share(system.tables)),
        };
        let ahead = system.ours_ahead.map_or(String::new(), |ahead| {
            let [value, low, high] = [ahead.value, ahead.low, ahead.high].map(|share| 100.0 * share);
            format!("{value:+.1}  [{low:+.1}, {high:+.1}]")
        });
        let line = format!(
            "{:<8} {:<14} {:>9}   {:<26}{:<26}{tables:<34}{ahead}",
            if number == 0 { format.format.as_str() } else { "" },
            system.system,
            format!("{} of {}", system.read, format.files),
            output::share(system.text),
            output::share(system.words),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A line for each file and system. Files where ours is furthest behind come first.
fn each_file(report: &ExtractionReport) -> String {
    let mut files: Vec<&FileFigures> = report.files.iter().collect();
    files.sort_by(|one, other| behind(other).partial_cmp(&behind(one)).unwrap_or(Ordering::Equal));
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{}/{}  ({} words, {} tables)\n", file.format, file.file, file.words, file.tables));
        for FileScores { system, error, text: similarity, words, tables } in &file.systems {
            let tables = tables.map_or(String::new(), |tables| format!("   tables {:5.1}", 100.0 * tables));
            let unread = if error.is_some() { "   could not be read" } else { "" };
            text.push_str(&format!(
                "  {system:<14} text {:5.1}   words {:5.1}{tables}{unread}\n",
                100.0 * similarity,
                100.0 * words
            ));
        }
    }
    text
}

/// How far ours is behind the best peer, in the text or in the tables; without a peer, behind the ground truth.
fn behind(file: &FileFigures) -> f64 {
    let Some(ours) = file.systems.iter().find(|scores| scores.system == OURS) else { return 1.0 };
    let peers = || file.systems.iter().filter(|scores| scores.system != OURS);
    let best = |score: fn(&FileScores) -> f64| peers().map(score).reduce(f64::max).unwrap_or(1.0);
    let tables = ours.tables.map_or(f64::MIN, |tables| best(|scores| scores.tables.unwrap_or(0.0)) - tables);
    tables.max(best(|scores| scores.text) - ours.text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(name: &str, ours: [f64; 2], peer: Option<[f64; 2]>) -> FileFigures {
        let scores = |system: &str, [text, tables]: [f64; 2], error: Option<String>| FileScores {
            system: system.into(),
            error,
            text,
            words: text,
            tables: Some(tables),
        };
        let unread = peer.is_none().then(|| "no such\nconverter".to_owned());
        let systems = vec![scores(OURS, ours, None), scores("other", peer.unwrap_or_default(), unread)];
        FileFigures { format: "md".into(), file: name.into(), words: 10, tables: 1, systems }
    }

    #[test]
    fn the_table_shows_all_systems_and_names_what_was_not_read() {
        let files = vec![file("a.md", [1.0, 1.0], None), file("b.md", [0.5, 0.25], Some([0.75, 0.5]))];
        let report = report(files, vec!["md/c.md".into()], &Resampling::new(200, 7, 0.95).unwrap());
        let shown = summary(&report);
        assert!(
            shown.starts_with("2 files with a ground truth, 1 without one; means with 95 % intervals\n"),
            "{shown}"
        );
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[3].starts_with("md       footnote          2 of 2    75.0 %"), "{shown}");
        assert!(lines[4].starts_with("         other             1 of 2    37.5 %"), "{shown}");
        assert!(lines[4].contains("(2)") && lines[4].contains("+37.5  ["), "{shown}");
        assert!(
            shown.ends_with("could not be read, and counts 0:\n  md/a.md by other: no such converter\n"),
            "{shown}"
        );
        let files = each_file(&report);
        assert!(files.starts_with("md/b.md  (10 words, 1 tables)\n  footnote       text  50.0"), "{files}");
        assert!(files.contains("tables   0.0   could not be read"), "{files}");
    }
}
