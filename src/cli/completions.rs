//! `footnote completions`: a script for a shell.

use std::io::Write as _;

use anyhow::Context as _;
use clap_complete::Shell;

use super::Exit;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> anyhow::Result<Exit> {
        // Into memory first: the library panics where it cannot write, as to a pipe that nobody reads any more.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "footnote", &mut script);
        std::io::stdout().write_all(&script).context("cannot print the script")?;
        Ok(Exit::Ok)
    }
}
