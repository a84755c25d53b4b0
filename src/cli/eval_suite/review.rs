//! `footnote eval review`: a blind sheet of two runs, and what its readers said.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::{
    super::{Exit, output},
    text, write_new,
};
use crate::eval::{
    bootstrap::Resampling,
    review::{agreement, filled, page, sheet, table},
    run::Run,
    suite::LEVEL,
};

/// Let people judge two runs side by side, blind
#[derive(Debug, clap::Args)]
pub struct Review {
    #[command(subcommand)]
    command: ReviewCommand,
}

#[derive(Debug, Subcommand)]
enum ReviewCommand {
    /// Write a sheet (HTML and CSV) with the answers of both runs, and its key apart
    Make {
        /// One run
        first: PathBuf,
        /// The other
        second: PathBuf,
        /// The folder for sheet.html and sheet.csv; it must not exist
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// The file that says which answer is whose; keep it from the reviewers [default: DIR.key.json]
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// How many questions; all when absent
        #[arg(long, value_name = "COUNT")]
        questions: Option<usize>,
        /// Also draw questions to which both runs say the same
        #[arg(long)]
        all: bool,
        /// The seed of the order and of the sides
        #[arg(long, default_value = "0")]
        seed: u64,
    },
    /// Read filled sheets, and say which run is preferred and how well the reviewers agree
    Read {
        /// The key that was made with the sheet
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The filled sheets, one for each reviewer
        #[arg(required = true, value_name = "CSV")]
        sheets: Vec<PathBuf>,
        /// Print everything as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Review {
    /// Runs the subcommand.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            ReviewCommand::Make { first, second, out, key, questions, all, seed } => {
                let key = key.unwrap_or_else(|| PathBuf::from(format!("{}.key.json", out.display())));
                let draw = sheet::Draw { questions, only_different: !all, seed };
                let (sheet, key_of) = sheet::make(&Run::read(&first)?, &Run::read(&second)?, draw)?;
                let csv_path = out.join("sheet.csv");
                let csv = table::render(&sheet, &csv_path)?;
                // A sheet without its key is of no use.
                anyhow::ensure!(!key.exists(), "{} exists; name another file with --key", key.display());
                std::fs::create_dir(&out).with_context(|| format!("cannot create {}", out.display()))?;
                write_new(&out.join("sheet.html"), page::render(&sheet).as_bytes())?;
                write_new(&csv_path, &csv)?;
                write_new(&key, &serde_json::to_vec_pretty(&key_of)?)?;
                println!(
                    "{} questions: {} or {}",
                    sheet.items.len(),
                    out.join("sheet.html").display(),
                    csv_path.display()
                );
                println!("the key, not for the reviewers: {}", key.display());
            }
            ReviewCommand::Read { key, sheets, json } => {
                let key = filled::read_key(&key)?;
                let sheets = sheets.iter().map(|path| filled::read(path, &key)).collect::<Result<Vec<_>, _>>()?;
                let report = agreement::sum_up(&key, &sheets, &Resampling::new(2_000, key.seed, LEVEL)?)?;
                if json {
                    output::print_json(&report)?;
                } else {
                    print!("{}", text::review(&report));
                }
            }
        }
        Ok(Exit::Ok)
    }
}
