//! `footnote bench exact`: whether what makes the generator fast changes what it writes.
//!
//! Each question is searched, and becomes two prompts of the product: one with the passages that fit, and one with the
//! beginning of the best passage as the answer that was found. All of them are answered plainly, one after the other, with
//! nothing kept and one token at a time; and by the generator as it serves, so many at a time. Each text must be the same.

use anyhow::ensure;
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::corpus::{Corpus, search};
use crate::{
    answer::prompts::{self, Shown},
    app::{Purpose, generator_options},
    cli::{Exit, output},
    config::Config,
    models::generator::{AdapterMode, GenerateRequest, Generated, Generator as _, LlamaGenerator, Message, Stopwatch},
};

/// Answer real prompts with and without what makes it fast, and compare
#[derive(Debug, Args)]
pub struct Exact {
    #[command(flatten)]
    corpus: Corpus,
    /// How many prompts are in work at the same time
    #[arg(long, default_value_t = 8)]
    together: usize,
    /// The most tokens of an answer
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..))]
    answer_tokens: u32,
    /// The length of the longer prompts in tokens
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(64..))]
    length: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    prompts: usize,
    prompt_tokens: u64,
    answer_tokens: u64,
    together: usize,
    different: usize,
}

impl Exact {
    /// Runs the comparison.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let Self { corpus, together, answer_tokens, length, json } = self;
        let queue = config.ask_queue;
        ensure!((1..=queue).contains(&together), "`--together` must be 1 to {queue} (`ask_queue`)");
        let options = generator_options(&config, AdapterMode::default(), None)?;
        let ready = corpus.ready(config, Purpose { answers: false, any_index: false }).await?;
        let loading = options.clone();
        let mut stopwatch = tokio::task::spawn_blocking(move || Stopwatch::load(&loading)).await??;
        let mut conversations: Vec<Vec<Message>> = Vec::new();
        for question in &ready.questions {
            let passages = search(&ready.app.retrieve, question, None).await?;
            let shown: Vec<Shown<'_>> = passages.iter().map(Shown::from).collect();
            let Some(best) = shown.first() else { continue };
            let words = best.text.split_inclusive(char::is_whitespace).take(3).map(str::len).sum();
            let found = best.text.get(..words).unwrap_or(best.text).trim();
            conversations.push(prompts::build_found(question, *best, found));
            conversations
                .push(prompts::build(|messages| stopwatch.count(messages), question, &shown, length)?.messages);
        }
        ensure!(!conversations.is_empty(), "nothing was found for any question");

        let asked = conversations.clone();
        let plain = tokio::task::spawn_blocking(move || {
            asked.iter().map(|messages| stopwatch.plain(messages, answer_tokens)).collect::<Result<Vec<_>, _>>()
        })
        .await??;
        let generator = tokio::task::spawn_blocking(move || LlamaGenerator::load(options)).await??;
        let work = stream::iter(conversations).map(|messages| {
            let request = GenerateRequest { messages, max_new_tokens: answer_tokens };
            generator.generate(request, None)
        });
        let fast: Vec<_> = work.buffered(together).try_collect().await?;
        let same = |(plain, fast): &(&(String, u32), &Generated)| {
            (plain.0.as_str(), plain.1) == (fast.text.as_str(), fast.completion_tokens)
        };
        let report = Report {
            prompts: fast.len(),
            prompt_tokens: fast.iter().map(|fast| u64::from(fast.prompt_tokens)).sum(),
            answer_tokens: fast.iter().map(|fast| u64::from(fast.completion_tokens)).sum(),
            together,
            different: plain.iter().zip(&fast).filter(|pair| !same(pair)).count(),
        };
        match json {
            true => output::print_json(&report)?,
            false => println!(
                "{} prompts of {} tokens in all, answers of {} tokens in all: {} differ, {together} at a time against \
                 one by one",
                report.prompts, report.prompt_tokens, report.answer_tokens, report.different
            ),
        }
        Ok(if report.different == 0 { Exit::Ok } else { Exit::Incomplete })
    }
}
