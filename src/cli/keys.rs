//! `footnote keys`: API keys. They are read and written in the store itself, so that the first one needs none.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use clap::Subcommand;
use serde_json::json;

use super::{Exit, audit, output};
use crate::{
    access::{self, DrawnKey},
    app::open_metadata,
    config::Config,
    domain::{ApiKey, KeyId, Scope},
    metadata_store::{KeyQuery, MetadataStoreError, NewKey},
};

/// How many keys are read at once.
const PAGE: u32 = 500;

/// Create, list, rotate and revoke API keys
#[derive(Debug, clap::Args)]
pub struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Create a key, and print it: it is shown this once. From the first key on every request needs one
    Create(Create),
    /// List the keys, newest first
    List {
        /// Print them as JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Give a key another secret, and print it; its rights stay
    Rotate {
        /// The key's id
        id: KeyId,
        /// For how many minutes the secret before is taken too
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=43_200))]
        overlap_minutes: u32,
    },
    /// Revoke keys: no request with them is taken any more
    Revoke {
        /// The keys' ids
        #[arg(required = true)]
        ids: Vec<KeyId>,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// What to call it
    name: String,
    /// What it allows; may be repeated
    #[arg(long = "scope", required = true, value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// A collection that it allows; may be repeated
    #[arg(long = "collection", value_name = "NAME", required_unless_present = "all_collections")]
    collections: Vec<String>,
    /// It allows all collections, also those to come
    #[arg(long, conflicts_with = "collections")]
    all_collections: bool,
    /// An access label of documents that it lets read, beside those without any; may be repeated
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// It lets read documents whatever their access labels
    #[arg(long, conflicts_with = "labels")]
    all_labels: bool,
    /// When it ceases to be taken: a day (until its end, in UTC) or a time as in RFC 3339 [default: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<DateTime<Utc>>,
    /// Print the key and what is known of it as JSON
    #[arg(long)]
    json: bool,
}

impl Keys {
    /// Runs the subcommand.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            KeysCommand::Create(create) => create.run(config).await,
            KeysCommand::List { json } => list(config, json).await,
            KeysCommand::Rotate { id, overlap_minutes } => rotate(config, id, overlap_minutes).await,
            KeysCommand::Revoke { ids } => revoke(config, ids).await,
        }
    }
}

impl Create {
    async fn run(self, config: Config) -> anyhow::Result<Exit> {
        if self.expires.is_some_and(|at| at <= Utc::now()) {
            bail!("--expires lies in the past");
        }
        let metadata = open_metadata(&config).await?;
        let DrawnKey { key: secret, prefix, sha256 } = access::draw().context("a key could not be drawn")?;
        let all = |are_all: bool, names: Vec<String>| (!are_all).then(|| names.into_iter().collect::<BTreeSet<_>>());
        let key = metadata
            .add_key(NewKey {
                name: self.name,
                prefix,
                sha256,
                scopes: self.scopes.into_iter().collect(),
                collections: all(self.all_collections, self.collections),
                labels: all(self.all_labels, self.labels),
                expires_at: self.expires,
            })
            .await?;
        audit::record(&config, &*metadata, "create_key", Some(key.id.to_string()), json!({"name": key.name})).await?;
        if self.json {
            let mut shown = serde_json::to_value(&key)?;
            shown["secret"] = secret.expose().into();
            output::print_json(&shown)?;
        } else {
            eprintln!("{}", line(&key, Utc::now()));
            eprintln!("the key, which is shown this once:");
            println!("{}", secret.expose());
        }
        Ok(Exit::Ok)
    }
}

async fn list(config: Config, json: bool) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let mut cursor = None;
    loop {
        let page = metadata.keys(KeyQuery { cursor, limit: PAGE }).await?;
        for key in &page.items {
            if json {
                println!("{}", serde_json::to_string(key)?);
            } else {
                println!("{}", line(key, Utc::now()));
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(Exit::Ok);
        }
    }
}

async fn rotate(config: Config, id: KeyId, overlap_minutes: u32) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let DrawnKey { key: secret, prefix, sha256 } = access::draw().context("a key could not be drawn")?;
    let until = Utc::now() + Duration::minutes(i64::from(overlap_minutes));
    let key = metadata.rotate_key(id, &prefix, &sha256, until).await?;
    audit::record(&config, &*metadata, "rotate_key", Some(id.to_string()), json!({})).await?;
    eprintln!("{}", line(&key, Utc::now()));
    eprintln!("the secret before is taken for {overlap_minutes} minutes more; the new one, which is shown this once:");
    println!("{}", secret.expose());
    Ok(Exit::Ok)
}

async fn revoke(config: Config, ids: Vec<KeyId>) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let mut exit = Exit::Ok;
    for id in ids {
        match metadata.revoke_key(id).await {
            Ok(_) => {
                audit::record(&config, &*metadata, "revoke_key", Some(id.to_string()), json!({})).await?;
                println!("{id} revoked");
            }
            Err(error @ MetadataStoreError::NotFound { .. }) => {
                eprintln!("{error}");
                exit = Exit::Incomplete;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(exit)
}

/// A key on one line: what it is, what it allows, and whether it is taken.
fn line(key: &ApiKey, now: DateTime<Utc>) -> String {
    let names = |names: &Option<BTreeSet<String>>| match names {
        None => "all".to_owned(),
        Some(names) if names.is_empty() => "none".to_owned(),
        Some(names) => names.iter().map(|name| output::one_line(name)).collect::<Vec<_>>().join(","),
    };
    let scopes = key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",");
    let shown = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", shown(at)),
        (None, Some(at)) if at <= now => format!("expired {}", shown(at)),
        (None, Some(at)) => format!("until {}", shown(at)),
        (None, None) => "no end".to_owned(),
    };
    let used = key.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", shown(at)));
    let (id, prefix, name) = (key.id, &key.prefix, output::one_line(&key.name));
    let (collections, labels) = (names(&key.collections), names(&key.labels));
    format!("{id}  {prefix}…  {name}  scopes: {scopes}, collections: {collections}, labels: {labels}, {state}, {used}")
}

/// A time that a user wrote: a day stands for its end.
pub fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let end = day.succ_opt().and_then(|next| next.and_hms_opt(0, 0, 0));
        return end.map(|end| end.and_utc()).ok_or_else(|| format!("`{text}` is too far away"));
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| format!("`{text}` is neither a day, such as 2027-01-31, nor a time, such as 2027-01-31T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_day_lasts_until_its_end_and_what_is_no_time_is_refused() {
        assert_eq!(time("2027-01-31").unwrap().to_rfc3339(), "2027-02-01T00:00:00+00:00");
        assert_eq!(time("2027-01-31T12:00:00+01:00").unwrap().to_rfc3339(), "2027-01-31T11:00:00+00:00");
        assert!(time("tomorrow").unwrap_err().contains("2027-01-31"));
    }
}
