//! `footnote man`: a manual page for each command.

use std::path::PathBuf;

use anyhow::Context as _;

use super::Exit;

/// Write the manual pages of all commands into a folder
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The folder, such as /usr/local/share/man/man1; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    /// Writes them, and says how to read one.
    pub fn run(self) -> anyhow::Result<Exit> {
        let cannot = || format!("cannot write manual pages into {}", self.folder.display());
        std::fs::create_dir_all(&self.folder).with_context(cannot)?;
        clap_mangen::generate_to(super::command(), &self.folder).with_context(cannot)?;
        println!("the manual pages are in {}: `man -l {}/footnote.1`", self.folder.display(), self.folder.display());
        Ok(Exit::Ok)
    }
}
