//! `footnote dataset`: data sets as source code. A data set is a folder; every subcommand that makes one writes a new
//! folder and leaves the old one as it is.
//!
//! May depend on `train::dataset`.

mod arguments;
mod print;

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Exit;
use crate::train::dataset::{
    DataSet,
    diff::diff,
    freeze::{freeze, verify},
    hard_negatives::{Negatives, add_distractors, add_negatives},
    import::{Columns, FollowUpSources, Format, ImportOptions, import},
    lint::lint,
    pairs::{
        PairsReport,
        halueval::halueval_pairs,
        rerank::{RerankPairs, rerank_pairs},
        scifact::scifact_pairs,
        support::{SupportPairs, support_pairs},
    },
    split::{Plan, split},
    stats::stats,
};
pub use arguments::Dataset;
use arguments::{DatasetCommand, Import, Lint, NegativesArguments, PairsOf, SplitArguments, Verify};

impl Dataset {
    /// Runs the subcommand.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            DatasetCommand::Import(command) => command.run(),
            DatasetCommand::Lint(command) => command.run(),
            DatasetCommand::Split(command) => command.run(),
            DatasetCommand::Stats(command) => {
                let report = stats(&DataSet::open(&command.set)?)?;
                print::report(command.json, &report, print::stats)?;
                Ok(Exit::Ok)
            }
            DatasetCommand::Diff(command) => {
                let report = diff(&DataSet::open(&command.before)?, &DataSet::open(&command.after)?)?;
                print::report(command.json, &report, print::diff)?;
                Ok(Exit::Ok)
            }
            DatasetCommand::Freeze(command) => {
                let manifest = freeze(&DataSet::open(&command.set)?, &command.version, &command.out)?;
                print::report(command.json, &manifest, print::manifest)?;
                Ok(Exit::Ok)
            }
            DatasetCommand::Verify(command) => command.run(),
            DatasetCommand::Negatives(command) => command.run(),
            DatasetCommand::Pairs(command) => command.what.run(),
        }
    }
}

impl Import {
    fn run(self) -> anyhow::Result<Exit> {
        let mut columns = Columns::default();
        for said in &self.columns {
            columns.add(said).map_err(anyhow::Error::msg)?;
        }
        if !self.columns.is_empty() && self.format.0 != Format::Csv {
            bail!("--column is for csv; {} has fields of its own", self.format.0.as_str());
        }
        let options = ImportOptions {
            licence: self.licence,
            id_prefix: self.id_prefix,
            kind: self.kind.into(),
            tags: self.tags,
            columns,
            relocate: self.relocate,
            follow_ups: FollowUpSources { squad: self.squad, corpus: self.corpus, stand_alone: self.stand_alone },
        };
        let report = import(self.format.0, &self.files, &options, &self.out)?;
        print::report(self.json, &report, print::import)?;
        Ok(if report.refused.is_empty() { Exit::Ok } else { Exit::Incomplete })
    }
}

impl Lint {
    fn run(self) -> anyhow::Result<Exit> {
        let report = lint(&opened(&self.sets)?, &opened(&self.against)?)?;
        let most = if self.all { usize::MAX } else { print::SHOWN };
        print::report(self.json, &report, |report| print::lint(report, most))?;
        Ok(if report.errors > 0 { Exit::Incomplete } else { Exit::Ok })
    }
}

impl SplitArguments {
    fn run(self) -> anyhow::Result<Exit> {
        let plan = match self.hold_out_documents {
            Some(count) => Plan::HoldOutDrawn(count),
            None if !self.hold_out.is_empty() => Plan::HoldOut(self.hold_out),
            None => Plan::Shares([self.train, self.validation, self.test]),
        };
        let report = split(&DataSet::open(&self.set)?, &plan, self.seed, &self.out)?;
        print::report(self.json, &report, print::split)?;
        Ok(Exit::Ok)
    }
}

impl Verify {
    fn run(self) -> anyhow::Result<Exit> {
        let manifest = verify(&self.set)?;
        if let Some(wanted) = self.sha256.filter(|wanted| !wanted.eq_ignore_ascii_case(&manifest.sha256)) {
            bail!("{} has sha256 {}, not {wanted}; it is another version", self.set.display(), manifest.sha256);
        }
        print::report(self.json, &manifest, print::manifest)?;
        Ok(Exit::Ok)
    }
}

impl NegativesArguments {
    fn run(self) -> anyhow::Result<Exit> {
        let set = DataSet::open(&self.set)?;
        if let Some(count) = self.distractors {
            let reports = add_distractors(&set, count, self.seed, &self.out)?;
            print::report(self.json, &reports, |reports| print::distractors(reports))?;
            return Ok(Exit::Ok);
        }
        let splits = self.splits.into_iter().map(Into::into);
        let wanted = Negatives {
            kind: self.kind.into(),
            per_example: self.per_example,
            cap: self.cap,
            seed: self.seed,
            splits: splits.collect(),
        };
        let reports = add_negatives(&set, &wanted, &self.out)?;
        print::report(self.json, &reports, |reports| print::negatives(reports))?;
        Ok(Exit::Ok)
    }
}

impl PairsOf {
    fn run(self) -> anyhow::Result<Exit> {
        let show = |json: bool, report: &PairsReport| print::report(json, report, print::pairs);
        match self {
            Self::Support { set, limit, made } => {
                let wanted = SupportPairs { limit, seed: made.seed };
                show(made.json, &support_pairs(&DataSet::open(&set)?, &wanted, &made.out)?)?;
            }
            Self::Rerank { set, negatives, depth, limit, made } => {
                let wanted = RerankPairs { negatives, depth, limit, seed: made.seed };
                show(made.json, &rerank_pairs(&DataSet::open(&set)?, &wanted, &made.out)?)?;
            }
            Self::Halueval { files, made } => show(made.json, &halueval_pairs(&files, made.seed, &made.out)?)?,
            Self::Scifact { folder, abstracts, made } => {
                for report in scifact_pairs(&folder, made.seed, abstracts, &made.out)? {
                    show(made.json, &report)?;
                }
            }
        }
        Ok(Exit::Ok)
    }
}

fn opened(folders: &[PathBuf]) -> anyhow::Result<Vec<DataSet>> {
    Ok(folders.iter().map(|folder: &PathBuf| DataSet::open(Path::new(folder))).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::fs;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        dataset: Dataset,
    }

    fn run(line: &str, folder: &Path) -> anyhow::Result<Exit> {
        let line = line.replace('@', &format!("{}/", folder.display()));
        Arguments::try_parse_from(format!("dataset {line}").split(' ')).unwrap().dataset.run()
    }

    #[test]
    fn the_arguments_are_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
        for wrong in ["import csv f", "split d --out o --hold-out-documents 2 --train 0.5", "import pdf f --out o"] {
            assert!(Arguments::try_parse_from(format!("dataset {wrong}").split(' ')).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_data_set_goes_from_a_file_to_a_frozen_version() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let row =
            |name: &str| format!("Who lit kiln {name}?,Kiln {name},Kiln {name} was lit by Ada{name}.,Ada{name}\n");
        let rows: String = ["one", "two", "three", "four"].map(row).concat();
        fs::write(dir.join("given.csv"), format!("q,t,p,a\n{rows}Why?,Kiln,It is hot.,\n")).unwrap();
        let import = "import csv @given.csv --licence MIT --column question=q --column title=t --column passage=p \
                      --column answer=a --out @set";
        assert_eq!(run(import, dir).unwrap(), Exit::Incomplete, "one row has no answer");
        assert!(run(import, dir).is_err(), "the data set is there");
        assert!(run("import squad @given.csv --licence MIT --column question=q --out @x", dir).is_err());

        assert_eq!(run("negatives @set --out @more --cap 0.5 --seed 1", dir).unwrap(), Exit::Ok);
        assert_eq!(run("negatives @set --out @closed --distractors 1", dir).unwrap(), Exit::Ok);
        assert_eq!(run("negatives @set --out @edited --kind edited --cap 0.5", dir).unwrap(), Exit::Ok);
        assert_eq!(run("split @more --out @cut --hold-out-documents 1 --seed 3", dir).unwrap(), Exit::Ok);
        assert_eq!(run("stats @cut --json", dir).unwrap(), Exit::Ok);
        assert_eq!(run("diff @set @more", dir).unwrap(), Exit::Ok);
        assert_eq!(run("lint @set", dir).unwrap(), Exit::Ok);
        assert_eq!(run("lint @set --against @more", dir).unwrap(), Exit::Incomplete, "the same documents");

        assert_eq!(run("freeze @set --version v1 --out @v1", dir).unwrap(), Exit::Ok);
        assert_eq!(run("verify @v1", dir).unwrap(), Exit::Ok);
        assert!(run("verify @v1 --sha256 00", dir).is_err());
        fs::write(dir.join("v1/task.jsonl"), "").unwrap();
        assert!(run("verify @v1", dir).is_err());
        assert!(run("lint @v1", dir).is_err(), "opening verifies");
    }
}
