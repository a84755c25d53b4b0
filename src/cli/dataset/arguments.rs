//! The arguments of `footnote dataset`.
//!
//! May depend on `train::dataset`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::train::dataset::{Kind, Split, hard_negatives::NegativeKind, import::Format};

/// Import, check, cut and freeze data sets
#[derive(Debug, clap::Args)]
pub struct Dataset {
    /// What to do.
    #[command(subcommand)]
    pub command: DatasetCommand,
}

#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    Import(Import),
    Lint(Lint),
    Split(SplitArguments),
    Stats(Stats),
    Diff(Diff),
    Freeze(Freeze),
    Verify(Verify),
    Negatives(NegativesArguments),
    Pairs(PairsArguments),
}

/// Bring other people's question sets into our format
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The format of the files
    #[arg(value_enum)]
    pub format: FormatName,
    /// The files; for fairytaleqa the folder that holds `questions` and `section-stories`, for scifact the one that
    /// holds claims_NAME.csv and corpus_NAME.csv
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The new data set
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The SPDX identifier of the licence, where the format does not fix it
    #[arg(long, value_name = "SPDX")]
    pub licence: Option<String>,
    /// What the ids begin with
    #[arg(long, value_name = "TEXT")]
    pub id_prefix: Option<String>,
    /// What the examples are there for
    #[arg(long, value_enum, default_value = "task")]
    pub kind: KindName,
    /// A tag for every example
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Which column of a CSV file is which field: id, question, title, passage, answer, short_answer, answer_start,
    /// evidence, expected, tags, provenance, licence
    #[arg(long = "column", value_name = "FIELD=HEADER")]
    pub columns: Vec<String>,
    /// Take an answer that is not at its offset from the only place where it stands, instead of refusing the record
    #[arg(long)]
    pub relocate: bool,
    /// For follow-ups: the SQuAD file that their articles are in
    #[arg(long, value_name = "FILE")]
    pub squad: Option<PathBuf>,
    /// For follow-ups: the folder that their pages are in
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// For follow-ups: take the questions standing alone, without what was said before
    #[arg(long)]
    pub stand_alone: bool,
    /// Print the report as JSON, with every refused record
    #[arg(long)]
    pub json: bool,
}

/// Look for what would spoil a training or a measurement
///
/// Exit code 4 when there are errors.
#[derive(Debug, clap::Args)]
pub struct Lint {
    /// Data sets that will be used together
    #[arg(required = true, value_name = "DIR")]
    pub sets: Vec<PathBuf>,
    /// Data sets whose content must not be in them
    #[arg(long, value_name = "DIR")]
    pub against: Vec<PathBuf>,
    /// Show every finding, not the first of each code
    #[arg(long)]
    pub all: bool,
    /// Print all findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Cut a data set by source document
#[derive(Debug, clap::Args)]
pub struct SplitArguments {
    /// The data set
    #[arg(value_name = "DIR")]
    pub set: PathBuf,
    /// The new data set, with a folder for each split
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The share of train
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    pub train: f64,
    /// The share of validation
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub validation: f64,
    /// The share of test
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub test: f64,
    /// Instead of shares: these documents become validation, all others train
    #[arg(long, value_name = "TITLE", num_args = 1.., conflicts_with_all = ["train", "validation", "test"])]
    pub hold_out: Vec<String>,
    /// Instead of shares: so many documents, drawn by the seed, become validation, all others train
    #[arg(long, value_name = "N", conflicts_with_all = ["train", "validation", "test", "hold_out"])]
    pub hold_out_documents: Option<usize>,
    /// The same seed makes the same cut
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print what was cut as JSON
    #[arg(long)]
    pub json: bool,
}

/// Count what is in a data set
#[derive(Debug, clap::Args)]
pub struct Stats {
    /// The data set
    #[arg(value_name = "DIR")]
    pub set: PathBuf,
    /// Print the numbers as JSON, also by file
    #[arg(long)]
    pub json: bool,
}

/// Compare two data sets by the ids of their examples
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// What was before
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// What is now
    #[arg(value_name = "B")]
    pub after: PathBuf,
    /// Print the differences as JSON
    #[arg(long)]
    pub json: bool,
}

/// Copy a data set as a version that cannot be changed unnoticed
#[derive(Debug, clap::Args)]
pub struct Freeze {
    /// The data set
    #[arg(value_name = "DIR")]
    pub set: PathBuf,
    /// The name of the version
    #[arg(long, value_name = "NAME")]
    pub version: String,
    /// The new folder of the version
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print the manifest as JSON
    #[arg(long)]
    pub json: bool,
}

/// Check a frozen data set against its manifest
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The frozen data set
    #[arg(value_name = "DIR")]
    pub set: PathBuf,
    /// The sha256 that its content must have
    #[arg(long, value_name = "SUM")]
    pub sha256: Option<String>,
    /// Print the manifest as JSON
    #[arg(long)]
    pub json: bool,
}

/// Add questions to decline, made of answered ones, or wrong passages beside the right one
#[derive(Debug, clap::Args)]
pub struct NegativesArguments {
    /// The data set
    #[arg(value_name = "DIR")]
    pub set: PathBuf,
    /// The new data set
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What makes a question one to decline: a near but wrong passage in the place of its own, or one fact of the
    /// question edited (a name, a number, a word turned into its opposite) over its own passage
    #[arg(long, value_enum, value_name = "KIND", default_value = "paired")]
    pub kind: NegativeKindName,
    /// So many unanswerable examples for each answerable one
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub per_example: usize,
    /// The greatest share of synthetic examples in each split
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    pub cap: f64,
    /// Build them in these splits only
    #[arg(long = "split", value_enum, value_name = "SPLIT")]
    pub splits: Vec<SplitName>,
    /// Instead: add so many wrong passages to every example, in an order drawn by the seed
    #[arg(long, value_name = "K", conflicts_with_all = ["kind", "per_example", "cap", "splits"])]
    pub distractors: Option<usize>,
    /// The same seed makes the same choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print what was added as JSON
    #[arg(long)]
    pub json: bool,
}

/// Make pairs of texts for models that compare: `train pairs` learns from them
#[derive(Debug, clap::Args)]
pub struct PairsArguments {
    /// What to make pairs of.
    #[command(subcommand)]
    pub what: PairsOf,
}

#[derive(Debug, Subcommand)]
pub enum PairsOf {
    /// Sentences and answers beside evidence that supports, contradicts or does not hold them, made of a question set
    Support {
        /// The data set, or the folder of one of its splits
        #[arg(value_name = "DIR")]
        set: PathBuf,
        /// Use at most so many examples, drawn by the seed
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        #[command(flatten)]
        made: PairsMade,
    },
    /// Questions beside the passage that answers and near ones that do not, made of a question set
    Rerank {
        /// The data set, or the folder of one of its splits
        #[arg(value_name = "DIR")]
        set: PathBuf,
        /// So many passages that do not answer, beside the one that does
        #[arg(long, value_name = "N", default_value_t = 5)]
        negatives: usize,
        /// Draw them from so many of the nearest
        #[arg(long, value_name = "N", default_value_t = 12)]
        depth: usize,
        /// Use at most so many questions, drawn by the seed
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        #[command(flatten)]
        made: PairsMade,
    },
    /// HaluEval's questions, each with a right and a made-up answer, cut into train, validation and test
    Halueval {
        /// The files of JSON lines
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        made: PairsMade,
    },
    /// SciFact's claims and their evidence, cut into train, validation and test; and `abstracts` to learn from besides
    Scifact {
        /// The folder with claims_train.csv and corpus_train.csv
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Make pairs of so many abstracts that no claim to be measured cites
        #[arg(long, value_name = "N", default_value_t = 3000)]
        abstracts: usize,
        #[command(flatten)]
        made: PairsMade,
    },
}

/// Where pairs go.
#[derive(Debug, clap::Args)]
pub struct PairsMade {
    /// The new folder
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The same seed makes the same pairs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print what was made as JSON
    #[arg(long)]
    pub json: bool,
}

/// The formats by their names.
#[derive(Debug, Clone, Copy)]
pub struct FormatName(pub Format);

impl ValueEnum for FormatName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [FormatName; Format::ALL.len()] = {
            let mut all = [FormatName(Format::Squad); Format::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = FormatName(Format::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.as_str()))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum KindName {
    Task,
    Edge,
    Failure,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum NegativeKindName {
    Paired,
    Edited,
}

impl From<NegativeKindName> for NegativeKind {
    fn from(name: NegativeKindName) -> Self {
        match name {
            NegativeKindName::Paired => Self::Paired,
            NegativeKindName::Edited => Self::Edited,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SplitName {
    Train,
    Validation,
    Test,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Task => Self::Task,
            KindName::Edge => Self::Edge,
            KindName::Failure => Self::Failure,
        }
    }
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Validation => Self::Validation,
            SplitName::Test => Self::Test,
        }
    }
}
