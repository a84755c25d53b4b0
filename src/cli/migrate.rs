//! `footnote migrate`: from the stores of this configuration to other ones, without embedding anything again.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::{Exit, backup, restore};
use crate::{
    app::OpenStores,
    archive::{BackupOptions, Chain, RestoreOptions, restore as fill},
    config::{Config, DatabaseUrl, Settings, VectorUrl},
    metadata_store::postgres,
};

/// Move everything to other stores: from one machine's own to Postgres and a Qdrant server, or back
///
/// A backup and its restore in one go, and like a backup without API keys and without the audit log. The stores of this
/// configuration are left as they are; afterwards start the program with the others, and with these no more.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// The database to move to: postgres://… or sqlite://FILE
    #[arg(long, value_name = "URL")]
    to_database_url: String,
    /// The vector store to move to: http://HOST:6334 or edge://DIRECTORY
    #[arg(long, value_name = "URL")]
    to_vector_url: String,
    /// The API key of the Qdrant server to move to
    #[arg(long, value_name = "KEY", env = "FOOTNOTE_TO_VECTOR_API_KEY", hide_env_values = true)]
    to_vector_api_key: Option<String>,
    /// What the names of its collections start with [default: footnote]
    #[arg(long, value_name = "PREFIX")]
    to_vector_prefix: Option<String>,
    /// Where originals and texts go: file:///DIRECTORY or s3://BUCKET/PREFIX [default: they stay where they are]
    #[arg(long, value_name = "URL")]
    to_blob_url: Option<String>,
    /// Where the archive lies meanwhile, which has the size of everything [default: the data directory]
    #[arg(long, value_name = "DIRECTORY")]
    via: Option<PathBuf>,
    /// Replace what the other stores hold now
    #[arg(long)]
    replace: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    /// Backs up, verifies, restores.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let stop = crate::shutdown::on_signal()?;
        tokio::select! {
            ended = self.all(config) => ended,
            // The archive, which may be as large as everything, goes with what was writing it.
            () = stop.cancelled() => bail!("stopped before everything was moved: run the same command again"),
        }
    }

    async fn all(self, config: Config) -> anyhow::Result<Exit> {
        let keep_blobs = self.to_blob_url.as_ref().is_none_or(|url| *url == config.blob_url);
        let target = self.target(&config)?;
        if same_database(&config.database, &target.database) || same_vectors(&config.vectors, &target.vectors) {
            bail!("the stores to move to are the ones that everything is in");
        }
        let from = OpenStores::open(&config).await?;
        let via = self.via.clone().unwrap_or_else(|| config.scratch_dir());
        let partial = backup::Partial::beside(&via.join("migration.tar"))?;
        backup::write(&from, &BackupOptions::default(), &partial).await?;
        let chain = Chain::verify(partial.path(), &[]).await?;
        let to = OpenStores::beside(&target, &from).await?;
        let options = RestoreOptions { replace: self.replace, deletions: Vec::new(), keep_blobs };
        let restored = fill(&chain, &to.installation, &options).await?;
        restore::report(&restored, 0, self.json)?;
        if !self.json {
            println!("start the program with these stores now, and with the ones before them no more");
            println!("API keys and the audit log were not moved: make new keys with `footnote keys create`");
        }
        Ok(Exit::Ok)
    }

    fn target(&self, config: &Config) -> anyhow::Result<Config> {
        let settings = Settings {
            data_dir: Some(config.data_dir.clone()),
            database_url: Some(self.to_database_url.clone()),
            vector_url: Some(self.to_vector_url.clone()),
            vector_api_key: self.to_vector_api_key.clone(),
            vector_prefix: self.to_vector_prefix.clone(),
            blob_url: Some(self.to_blob_url.clone().unwrap_or_else(|| config.blob_url.clone())),
            ..Settings::default()
        };
        Config::resolve(settings).context("the stores to move to")
    }
}

/// However it is written: with `--replace`, a database that is moved to itself would be emptied before it is filled.
fn same_database(from: &DatabaseUrl, to: &DatabaseUrl) -> bool {
    match (from, to) {
        (DatabaseUrl::Postgres(from), DatabaseUrl::Postgres(to)) => postgres::same_database(from.expose(), to.expose()),
        (DatabaseUrl::Sqlite(from), DatabaseUrl::Sqlite(to)) => {
            from == to || from.canonicalize().ok().is_some_and(|from| to.canonicalize().ok() == Some(from))
        }
        _ => false,
    }
}

/// An API key does not make another store, and nor does a slash at the end.
fn same_vectors(from: &VectorUrl, to: &VectorUrl) -> bool {
    match (from, to) {
        (VectorUrl::Server { url: a, prefix: b, .. }, VectorUrl::Server { url: c, prefix: d, .. }) => {
            (a.trim_end_matches('/'), b) == (c.trim_end_matches('/'), d)
        }
        (from, to) => from == to,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::Secret;

    #[test]
    fn the_same_stores_are_told_however_they_are_written() {
        let postgres = |url: &str| DatabaseUrl::Postgres(Secret::new(url));
        let here = postgres("postgres://a:b@db:5432/notes");
        for same in [
            "postgres://a:b@db:5432/notes",
            "postgresql://db:5432/notes",
            "postgres://c:d@DB:5432/notes?sslmode=disable",
        ] {
            assert!(same_database(&here, &postgres(same)), "{same}");
        }
        for other in
            ["postgres://a:b@db:5432/other", "postgres://a:b@db:5433/notes", "postgres://a:b@elsewhere:5432/notes"]
        {
            assert!(!same_database(&here, &postgres(other)), "{other}");
        }
        let schema = postgres("postgres://a:b@db:5432/notes?options=-c%20search_path%3Dother");
        assert!(!same_database(&here, &schema), "other tables of the same database");

        let dir = tempfile::tempdir().unwrap();
        let sqlite = |path: &str| DatabaseUrl::Sqlite(dir.path().join(path));
        std::fs::create_dir(dir.path().join("x")).unwrap();
        std::fs::write(dir.path().join("notes.db"), "").unwrap();
        assert!(same_database(&sqlite("notes.db"), &sqlite("x/../notes.db")));
        assert!(!same_database(&sqlite("notes.db"), &sqlite("x/notes.db")), "which is not there yet");
        assert!(!same_database(&here, &sqlite("notes.db")));

        let server = |url: &str, prefix: &str| VectorUrl::Server {
            url: url.to_owned(),
            api_key: None,
            prefix: prefix.to_owned(),
        };
        assert!(same_vectors(&server("http://q:6334", "footnote"), &server("http://q:6334/", "footnote")));
        assert!(!same_vectors(&server("http://q:6334", "footnote"), &server("http://q:6334", "other")));
    }
}
