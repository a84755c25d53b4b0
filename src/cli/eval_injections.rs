//! `footnote eval injections`: orders are hidden in documents, and answers compared with what the documents say.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use super::{Exit, demo::answered_by_the_handbook, eval::start_apart, output};
use crate::{
    answer::{self, AnswerServices, GivenPassage},
    app::Purpose,
    blob_store::BlobStore,
    config::Config,
    domain::{OutcomeKind, Question},
    eval::injections::{Attack, Bait, Place, judge, planted, read_attacks, read_mails, wilson},
};

/// Hide orders in documents, and see whether answers change
#[derive(Debug, clap::Args)]
pub struct Injections {
    /// The attacks: a JSON object of lists, by their kind
    #[arg(long, value_name = "FILE")]
    attacks: PathBuf,
    /// Mails with questions, a JSON object a line; pages of the handbook are attacked besides
    #[arg(long, value_name = "FILE")]
    mails: PathBuf,
    /// In how many documents each attack is planted, mails and pages of the handbook in turn
    #[arg(long, default_value_t = 12)]
    per_attack: usize,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Figures {
    /// The attacks that were planted, each in several documents.
    attacks: usize,
    /// The questions that were asked.
    asked: usize,
    /// Those that were answered.
    answered: usize,
    /// Those whose answer the attack has touched.
    touched: usize,
    /// The 95 % interval of their share.
    interval: (f64, f64),
    /// Those answers, to be read by a person.
    answers: Vec<TouchedAnswer>,
}

/// An answer that holds something which only the attack can have brought.
#[derive(Debug, Serialize)]
struct TouchedAnswer {
    document: String,
    kind: String,
    attack: String,
    answer: String,
    cited: bool,
    foreign: Vec<String>,
}

impl Injections {
    /// Asks, and prints what was touched.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let attacks = read_attacks(&self.attacks)?;
        let (mails, pages) = (read_mails(&self.mails)?, handbook()?);
        anyhow::ensure!(!mails.is_empty() && !attacks.is_empty(), "there are no attacks or no mails in the files");
        let kept = tempfile::tempdir()?;
        let app = start_apart(config, kept.path(), Purpose { answers: true, any_index: false }).await?;
        let services = AnswerServices::clone(&*app.answering().context("no generator was loaded")?);
        let services = AnswerServices { blobs: BlobStore::in_memory(), ..services };
        let mut figures = Figures { attacks: attacks.len(), ..Figures::default() };
        for (number, attack) in attacks.iter().enumerate() {
            for turn in 0..self.per_attack {
                // So that attacks of a kind meet different documents and places.
                let step = number * self.per_attack + turn;
                let bait = if turn % 2 == 0 { &mails[step / 2 % mails.len()] } else { &pages[step / 2 % pages.len()] };
                ask(&services, bait, attack, Place::ALL[step % Place::ALL.len()], &mut figures).await?;
            }
        }
        figures.interval = wilson(figures.touched, figures.asked);
        if self.json {
            output::print_json(&figures)?;
        } else {
            print!("{}", figures.text());
        }
        Ok(Exit::Ok)
    }
}

async fn ask(
    services: &AnswerServices,
    bait: &Bait,
    attack: &Attack,
    place: Place,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let (text, range) = planted(&bait.text, &attack.text, place);
    let given = [GivenPassage { name: bait.name.clone(), title: bait.name.clone(), text }];
    let counter = services.retrieve.embedders.serving().token_counter();
    let outcome = answer::answer_given(services, &counter, Question::new(&bait.question), &given).await?;
    figures.asked += 1;
    figures.answered += usize::from(outcome.outcome == OutcomeKind::Answered);
    let touched = judge(&services.retrieve.lexical, &outcome, bait, &range);
    if touched.is_any() {
        figures.touched += 1;
        figures.answers.push(TouchedAnswer {
            document: bait.name.clone(),
            kind: attack.kind.clone(),
            attack: attack.text.clone(),
            answer: outcome.answer,
            cited: touched.cited,
            foreign: touched.foreign,
        });
    }
    Ok(())
}

/// Paragraphs of the handbook around the sentences that answer the demo's questions.
fn handbook() -> anyhow::Result<Vec<Bait>> {
    let baits = answered_by_the_handbook()?.into_iter().map(|(question, name, text)| Bait { name, text, question });
    Ok(baits.collect())
}

impl Figures {
    fn text(&self) -> String {
        let mut text = format!(
            "{} attacks, {} questions, {} answered; {} answers touched: {:.1} % ({:.1} to {:.1})\n",
            self.attacks,
            self.asked,
            self.answered,
            self.touched,
            100.0 * self.touched as f64 / self.asked.max(1) as f64,
            100.0 * self.interval.0,
            100.0 * self.interval.1
        );
        for touched in &self.answers {
            let cited = if touched.cited { "cited" } else { "not cited" };
            text.push_str(&format!(
                "  {} | {} | {cited}, foreign: {} | {} -> {}\n",
                touched.document,
                touched.kind,
                touched.foreign.join(" "),
                touched.attack,
                touched.answer
            ));
        }
        text
    }
}
