//! `footnote conversations`: listing, showing and deleting conversations.

use clap::Subcommand;
use serde_json::json;

use super::{Exit, audit, output};
use crate::{
    app::open_metadata,
    config::Config,
    domain::{Conversation, ConversationId},
    metadata_store::{ConversationQuery, MetadataStoreError},
};

/// How many turns or conversations are read at once.
const PAGE: u32 = 500;

/// List, show and delete stored conversations
#[derive(Debug, clap::Args)]
pub struct Conversations {
    #[command(subcommand)]
    command: ConversationsCommand,
}

#[derive(Debug, Subcommand)]
enum ConversationsCommand {
    /// List the conversations, newest first
    List {
        /// Only of this collection
        #[arg(long)]
        collection: Option<String>,
        /// Print them as JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show the turns of a conversation
    Show {
        /// The conversation's id
        id: ConversationId,
        /// Print them as JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Delete conversations with everything that came of them
    Delete {
        /// The conversations' ids
        #[arg(required = true)]
        ids: Vec<ConversationId>,
    },
}

impl Conversations {
    /// Runs the subcommand.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            ConversationsCommand::List { collection, json } => list(config, collection, json).await,
            ConversationsCommand::Show { id, json } => show(config, id, json).await,
            ConversationsCommand::Delete { ids } => delete(config, ids).await,
        }
    }
}

async fn list(config: Config, collection: Option<String>, json: bool) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let mut cursor = None;
    loop {
        let query =
            ConversationQuery { collection: collection.clone(), cursor, limit: PAGE, ..ConversationQuery::default() };
        let page = metadata.conversations(query).await?;
        for conversation in &page.items {
            if json {
                println!("{}", serde_json::to_string(conversation)?);
            } else {
                println!("{}", line(conversation));
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(Exit::Ok);
        }
    }
}

fn line(conversation: &Conversation) -> String {
    let Conversation { id, collection, turns, created_at, updated_at } = conversation;
    format!("{id}  {collection}  turns: {turns}, from {} to {}", shown(created_at), shown(updated_at))
}

fn shown(time: &chrono::DateTime<chrono::Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

async fn show(config: Config, id: ConversationId, json: bool) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let mut after = 0;
    loop {
        let turns = metadata.turns(id, after, PAGE).await?;
        for recorded in &turns {
            if json {
                println!("{}", serde_json::to_string(recorded)?);
                continue;
            }
            println!("{}. {}", recorded.number, output::one_line(&recorded.turn.question));
            let answer = recorded.turn.answer.as_deref().unwrap_or("(what it rested on was deleted)");
            println!("   {}", output::one_line(answer));
        }
        match turns.last() {
            Some(last) => after = last.number,
            None => return Ok(Exit::Ok),
        }
    }
}

async fn delete(config: Config, ids: Vec<ConversationId>) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let mut exit = Exit::Ok;
    for id in ids {
        match metadata.delete_conversation(id).await {
            Ok(()) => {
                audit::record(&config, &*metadata, "delete_conversation", Some(id.to_string()), json!({})).await?;
                println!("{id} deleted");
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
