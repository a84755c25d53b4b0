//! `footnote search`: the passages that `ask` would read.

use anyhow::Context as _;

use super::{
    Exit,
    ask::{Scope, too_long},
    output,
};
use crate::{
    answer::{self, RankingKind, SearchRequest},
    app::{App, Purpose},
    config::Config,
    domain::Access,
};

/// Find passages
#[derive(Debug, clap::Args)]
pub struct Search {
    /// What to look for
    #[arg(required = true)]
    question: Vec<String>,
    #[command(flatten)]
    scope: Scope,
    /// How passages are ranked
    #[arg(long, default_value = "hybrid")]
    ranking: RankingKind,
    /// Print the passages as JSON
    #[arg(long)]
    json: bool,
}

impl Search {
    /// Prints the passages.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let app = App::start(config, Purpose { answers: false, any_index: false }).await?;
        let request = SearchRequest {
            question: self.question.join(" "),
            filter: self.scope.filter(),
            collection: self.scope.collection,
            top_k: self.scope.top_k,
            ranking: self.ranking,
            access: Access::everything(),
        };
        let found = tokio::time::timeout(app.config.ask_timeout, answer::search(&app.retrieve, request)).await;
        let found = found.with_context(|| too_long("search", app.config.ask_timeout))??;
        if self.json {
            output::print_json(&found)?;
        } else if found.results.is_empty() {
            println!("nothing was found");
        }
        if !self.json {
            for (number, passage) in found.results.iter().enumerate() {
                println!("{}", output::render_passage(number + 1, passage));
            }
        }
        Ok(if found.results.is_empty() { Exit::Abstained } else { Exit::Ok })
    }
}
