//! `footnote restore`: an archive into an empty installation, or in place of what is there.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{Exit, backup, output};
use crate::{
    app::OpenStores,
    archive::{self, Chain, RestoreOptions, RestoreSummary},
    audit::{self, Depth, Problem, Stores},
    config::Config,
};

/// Restore a backup: verify all of it, then fill the stores that this configuration names
///
/// Documents that were deleted since stay deleted: the archive says which, so do the stores that are replaced, and
/// --deletions adds what neither knows. Stop every process that works on these stores first.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The backup
    archive: PathBuf,
    /// The earlier backup that it builds on; may be repeated
    #[arg(long, value_name = "ARCHIVE")]
    base: Vec<PathBuf>,
    /// Deletions that were made since: a file of `footnote backup --deletions-only`, or a newer backup; may be repeated
    #[arg(long, value_name = "FILE")]
    deletions: Vec<PathBuf>,
    /// Replace what the stores hold now
    #[arg(long)]
    replace: bool,
    /// Verify the backup, and change nothing
    #[arg(long, conflicts_with = "replace")]
    verify_only: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Restore {
    /// Verifies, then restores.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let chain = Chain::verify(&self.archive, &self.base).await?;
        let mut deletions = Vec::new();
        for path in &self.deletions {
            deletions.extend(archive::read_deletions(path).await.with_context(|| path.display().to_string())?);
        }
        if self.verify_only {
            backup::report_verified(&chain.newest, &self.archive, self.json)?;
            return Ok(Exit::Ok);
        }
        let stores = OpenStores::open(&config).await?;
        let options = RestoreOptions { replace: self.replace, deletions, keep_blobs: false };
        let restored = archive::restore(&chain, &stores.installation, &options).await?;
        let removed = if self.replace { sweep(&stores).await? } else { 0 };
        report(&restored, removed, self.json)?;
        Ok(Exit::Ok)
    }
}

/// Says what was restored.
pub fn report(restored: &RestoreSummary, removed: u64, json: bool) -> anyhow::Result<()> {
    if json {
        return output::print_json(&serde_json::json!({"restored": restored, "files_removed": removed}));
    }
    println!("restored {} documents and {} vectors", restored.documents, restored.vectors);
    if restored.deleted > 0 {
        println!("{} documents were deleted after the backup, and are not restored", restored.deleted);
    }
    if restored.ingested_again > 0 {
        println!(
            "{} versions were replaced while the backup was written: a worker ingests them again",
            restored.ingested_again
        );
    }
    if restored.reindex {
        println!(
            "the backup has no vectors that this program can use: run `footnote reindex` before anything is asked"
        );
    }
    if removed > 0 {
        println!("{removed} files of what was replaced were removed");
    }
    Ok(())
}

/// Removes the originals and texts of what was replaced, which nobody names any more.
async fn sweep(stores: &OpenStores) -> anyhow::Result<u64> {
    let to = &stores.installation;
    let parts = Stores { metadata: &*to.metadata, vectors: &*to.vectors, blobs: &to.blobs };
    // Whoever replaces an installation was told to be alone.
    let depth = Depth { deep: false, alone: true };
    let mut removed = 0;
    for problem in audit::check(parts, depth).await?.problems {
        if matches!(problem, Problem::UnnamedOriginal(_) | Problem::UnnamedText(_)) {
            audit::mend_stores(parts, depth, &problem).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
