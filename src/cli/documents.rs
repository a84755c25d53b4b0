//! `footnote documents`: listing, showing and deleting documents.

use clap::Subcommand;
use serde_json::json;

use super::{Exit, ask::key_value, audit, output};
use crate::{
    app::open_metadata,
    app::{App, Purpose},
    config::Config,
    domain::{Access, Document, DocumentId, Filter, JobKind},
    ingest::{delete::delete_matching, worker::Worker},
    metadata_store::DocumentQuery,
};

/// List, show and delete documents
#[derive(Debug, clap::Args)]
pub struct Documents {
    #[command(subcommand)]
    command: DocumentsCommand,
}

#[derive(Debug, Subcommand)]
enum DocumentsCommand {
    /// List the documents
    List {
        /// Only of this collection
        #[arg(long)]
        collection: Option<String>,
        /// Print them as JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show a document
    Show {
        /// The document's id
        id: DocumentId,
    },
    /// Delete documents for good: by their ids, or a collection, or what passes a filter in it
    Delete {
        /// The documents' ids
        #[arg(required_unless_present = "collection", conflicts_with = "collection")]
        ids: Vec<DocumentId>,
        /// All documents of this collection
        #[arg(long)]
        collection: Option<String>,
        /// Only those with this metadata; may be repeated
        #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = key_value, requires = "collection")]
        metadata: Vec<(String, serde_json::Value)>,
        /// Only print which they are
        #[arg(long, requires = "collection")]
        look_only: bool,
    },
}

impl Documents {
    /// Runs the subcommand.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            DocumentsCommand::List { collection, json } => list(config, collection, json).await,
            DocumentsCommand::Show { id } => {
                output::print_json(&open_metadata(&config).await?.document(id).await?)?;
                Ok(Exit::Ok)
            }
            DocumentsCommand::Delete { ids, collection: None, .. } => delete(config, ids).await,
            DocumentsCommand::Delete { collection: Some(collection), metadata, look_only, .. } => {
                let filter = Filter { metadata: metadata.into_iter().collect(), ..Filter::default() };
                delete_many(config, &collection, &filter, look_only).await
            }
        }
    }
}

async fn list(config: Config, collection: Option<String>, json: bool) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let mut cursor = None;
    loop {
        let query = DocumentQuery { collection: collection.clone(), cursor, limit: 500, ..DocumentQuery::default() };
        let page = metadata.documents(query).await?;
        for document in &page.items {
            if json {
                println!("{}", serde_json::to_string(document)?);
            } else {
                println!("{}", line(document));
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(Exit::Ok);
        }
    }
}

fn line(document: &Document) -> String {
    let version = document.active.as_ref().unwrap_or(&document.latest);
    let chunks = version.chunks.map_or_else(String::new, |chunks| format!(", {chunks} chunks"));
    let access = match &document.access[..] {
        [] => String::new(),
        labels => format!(", for {}", output::one_line(&labels.join(", "))),
    };
    format!(
        "{}  {}/{}  version {} {}, {}{chunks}{access}",
        document.id,
        document.collection,
        document.name,
        version.version,
        version.state.as_str(),
        output::bytes(version.size_bytes),
    )
}

async fn delete(config: Config, ids: Vec<DocumentId>) -> anyhow::Result<Exit> {
    let app = App::start(config, Purpose { answers: false, any_index: true }).await?;
    let mut exit = Exit::Ok;
    for id in ids {
        match app.metadata.delete_document(id).await {
            Ok(_) => {
                audit::record(&app.config, &*app.metadata, "delete_document", Some(id.to_string()), json!({})).await?;
                println!("{id} deleted");
            }
            Err(error) => {
                eprintln!("{id}: {error}");
                exit = Exit::Incomplete;
            }
        }
    }
    purge(&app).await?;
    Ok(exit)
}

async fn delete_many(config: Config, collection: &str, filter: &Filter, look_only: bool) -> anyhow::Result<Exit> {
    let app = App::start(config, Purpose { answers: false, any_index: true }).await?;
    let picked = delete_matching(&app.ingest, collection, filter, &Access::everything(), look_only).await?;
    if !look_only {
        let ids: Vec<_> = picked.iter().map(|one| one.document_id).collect();
        let details = json!({"collection": collection, "look_only": look_only, "documents": ids});
        audit::record(&app.config, &*app.metadata, "delete_documents", None, details).await?;
    }
    for document in &picked {
        println!("{}  {}", document.document_id, document.name);
    }
    println!("{} documents {}", picked.len(), if look_only { "would be deleted" } else { "deleted" });
    if !look_only {
        purge(&app).await?;
    }
    Ok(Exit::Ok)
}

/// Removes what was deleted now, and not when a server is started next.
async fn purge(app: &App) -> anyhow::Result<()> {
    let stop = crate::shutdown::on_signal()?;
    Worker::new(app.ingest.clone(), app.config.ingest_concurrency).only(&[JobKind::Purge]).drain(stop).await;
    Ok(())
}
