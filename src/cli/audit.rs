//! `footnote audit`: the audit log as JSON lines, for whoever keeps it elsewhere; and what commands leave in it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Exit, keys::time};
use crate::{
    app::open_metadata,
    config::Config,
    metadata_store::{AuditQuery, MetadataStore, NewAuditEntry},
};

/// How many entries are read at once.
const PAGE: u32 = 1_000;

/// Print the audit log as JSON, one entry a line, newest first
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// Only of this actor: the id of a key, `configured`, `local` or `command line`
    #[arg(long)]
    actor: Option<String>,
    /// Only of this action, such as delete_document
    #[arg(long)]
    action: Option<String>,
    /// Only about this, by its id
    #[arg(long)]
    subject: Option<String>,
    /// Only from this time on, as in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Only before this time, as in RFC 3339; a day counts until its end
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<DateTime<Utc>>,
}

impl Audit {
    /// Prints the entries.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let metadata = open_metadata(&config).await?;
        let mut query = AuditQuery {
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            from: self.from,
            until: self.until,
            cursor: None,
            limit: PAGE,
        };
        loop {
            let page = metadata.audit_entries(query.clone()).await?;
            for entry in &page.items {
                println!("{}", serde_json::to_string(entry)?);
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(Exit::Ok);
            }
        }
    }
}

/// Records what a command has done.
pub async fn record(
    config: &Config,
    metadata: &dyn MetadataStore,
    action: &str,
    subject: Option<String>,
    details: Value,
) -> anyhow::Result<()> {
    if config.audit_kept.is_none() {
        return Ok(());
    }
    let details = details.as_object().cloned().unwrap_or_default();
    let user = ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let details = details.into_iter().chain(user.map(|user| ("user".to_owned(), json!(user)))).collect();
    let (actor, action) = ("command line".to_owned(), action.to_owned());
    let at = Utc::now();
    let entry = NewAuditEntry { at, actor, action, subject, status: 200, details, ..NewAuditEntry::default() };
    metadata.add_audit_entries(&[entry]).await?;
    Ok(())
}
