//! `footnote completions`: a script for a shell.

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
        clap_complete::generate(self.shell, &mut super::command(), "footnote", &mut std::io::stdout());
        Ok(Exit::Ok)
    }
}
