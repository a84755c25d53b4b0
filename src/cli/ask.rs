//! `footnote ask`: one question, one answer, numbered footnotes.

use std::time::Duration;

use anyhow::Context as _;

use super::{Exit, output};
use crate::{
    answer,
    app::{App, Purpose},
    config::Config,
    domain::{Filter, OutcomeKind, Question},
};

/// Ask a question
#[derive(Debug, clap::Args)]
pub struct Ask {
    /// The question
    #[arg(required = true)]
    question: Vec<String>,
    #[command(flatten)]
    scope: Scope,
    /// Print the whole outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Where to look.
#[derive(Debug, Clone, clap::Args)]
pub struct Scope {
    /// The collection to look in [default: default]
    #[arg(long)]
    pub collection: Option<String>,
    /// Only documents whose metadata has this value; may be repeated
    #[arg(long = "filter", value_name = "KEY=VALUE", value_parser = key_value)]
    pub filters: Vec<(String, serde_json::Value)>,
    /// How many passages to read, 1 to 50 [default: 5]
    #[arg(long)]
    pub top_k: Option<u32>,
}

impl Scope {
    /// The filter as the API takes it.
    pub fn filter(&self) -> Option<Filter> {
        let metadata: crate::domain::Metadata = self.filters.iter().cloned().collect();
        (!metadata.is_empty()).then(|| Filter { metadata, ..Filter::default() })
    }
}

/// `key=value`, where a value that reads as JSON is that value, and anything else is text.
pub fn key_value(text: &str) -> Result<(String, serde_json::Value), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    Ok((key.to_owned(), value))
}

/// Why there is no answer, and what can be done.
pub fn too_long(what: &str, limit: Duration) -> String {
    format!("the {what} took longer than the {} s that `ask_timeout_seconds` allows", limit.as_secs())
}

impl Ask {
    /// Answers the question.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let app = App::start(config, Purpose { answers: true, any_index: false }).await?;
        let services = app.answering().ok_or_else(|| anyhow::anyhow!("no generator was loaded"))?;
        let question = Question {
            filter: self.scope.filter(),
            collection: self.scope.collection,
            top_k: self.scope.top_k,
            ..Question::new(self.question.join(" "))
        };
        // This program ends with the answer: it does not wait for the words of the index in vain.
        if let Err(error) = services.vocabulary.refresh(&question.asker.access).await {
            tracing::warn!(%error, "the vocabulary of the index could not be built; spelling is not corrected");
        }
        let work = answer::answer(&services, question, None);
        let outcome = tokio::time::timeout(app.config.ask_timeout, work).await;
        let outcome = outcome.with_context(|| too_long("answer", app.config.ask_timeout))??;
        if self.json {
            output::print_json(&outcome)?;
        } else {
            print!("{}", output::render_outcome(&outcome));
        }
        Ok(if outcome.outcome == OutcomeKind::Abstained { Exit::Abstained } else { Exit::Ok })
    }
}

#[cfg(test)]
mod tests {
    use super::key_value;

    #[test]
    fn a_value_is_json_where_it_reads_as_json() {
        assert_eq!(key_value("year=2024"), Ok(("year".into(), 2024.into())));
        assert_eq!(key_value("team=red"), Ok(("team".into(), "red".into())));
        assert_eq!(key_value("note=a=b"), Ok(("note".into(), "a=b".into())));
        assert!(key_value("year").is_err());
    }
}
