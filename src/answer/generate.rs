//! From evidence to a draft, and sentence by sentence from the draft to what is verified.
//!
//! Sentences are checked while the model is still writing, so that a streamed answer holds only what has a
//! footnote. May depend on `domain` and `models`.

use std::time::Instant;

use tokio::sync::mpsc;

use super::{
    AnswerError, AnswerEvent, AnswerServices, PreparedQuestion, ReadEvidence, Verdict, Verified,
    postfilter::Checker,
    prompts::{self, Shown},
    send,
};
use crate::{
    domain::{Usage, sentences},
    models::generator::{GenerateRequest, GeneratorError},
};

/// The tokens that an answer may have. One or two sentences are asked for.
pub(crate) const MAX_NEW_TOKENS: u32 = 96;
/// The tokens of a whole prompt: what a question on a CPU should cost, far below the model's window.
pub(crate) const PROMPT_BUDGET: u32 = 1_024;
/// The passages that the generator gets when the reader has found the answer: the one that holds it, and the best of the
/// others. Reading the prompt is what an answer waits for.
const PROMPT_PASSAGES: usize = 2;

/// What the generator wrote.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// The text, as it came.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
}

/// Writes a draft and checks it. Nothing is written without any evidence, nor when the evidence does not hold the answer.
pub async fn generate(
    services: &AnswerServices,
    question: &PreparedQuestion,
    read: &ReadEvidence,
    events: &Option<mpsc::Sender<AnswerEvent>>,
) -> Result<(Draft, Verified), AnswerError> {
    let passages = &read.evidence.passages;
    let usage = |held: usize| Usage {
        passages_read: held as u32,
        passages_left_out: (passages.len() - held) as u32,
        ..Usage::default()
    };
    let nothing = Draft { usage: usage(0), ..Draft::default() };
    let most = match &read.verdict {
        _ if passages.is_empty() => return Ok((nothing, Verified::default())),
        Verdict::DoesNotHold { probability, .. } => {
            return Ok((nothing, Verified { confidence: *probability, ..Verified::default() }));
        }
        Verdict::Holds(_) => PROMPT_PASSAGES,
        Verdict::NotRead => passages.len(),
    };
    let clock = Instant::now();
    let mut checker = Checker::new(services, question, read);
    if read.verdict == Verdict::NotRead && !checker.may_hold_the_answer().await? {
        return Ok((nothing, checker.finish().after(clock)));
    }
    let mut checking = clock.elapsed();

    let generator = &services.generator;
    let budget = PROMPT_BUDGET.min(generator.context_window().saturating_sub(MAX_NEW_TOKENS));
    let prompt = {
        let (generator, text) = (generator.clone(), question.understood.interpreted.clone());
        let passages = passages[..passages.len().min(most)].to_vec();
        let build = move || {
            let shown: Vec<Shown<'_>> = passages.iter().map(Shown::from).collect();
            prompts::build(|messages| generator.count_prompt_tokens(messages), &text, &shown, budget)
        };
        tokio::task::spawn_blocking(build).await.map_err(|error| GeneratorError::Failed(error.to_string()))??
    };
    checker.reads(prompt.passages);

    let (pieces, mut received) = mpsc::channel::<String>(64);
    let request = GenerateRequest { messages: prompt.messages, max_new_tokens: MAX_NEW_TOKENS };
    let writing = generator.generate(request, Some(pieces));
    let reading = async {
        let mut text = String::new();
        let mut checked = 0;
        while let Some(piece) = received.recv().await {
            text.push_str(&piece);
            let clock = Instant::now();
            while let Some(end) = sentences::complete_sentence(&text[checked..]) {
                let sentence = text[checked..checked + end].to_owned();
                checked += end;
                if let Some(event) = checker.check(&sentence).await? {
                    send(events, event).await?;
                }
            }
            checking += clock.elapsed();
        }
        let clock = Instant::now();
        if let Some(event) = checker.check(&text[checked..]).await? {
            send(events, event).await?;
        }
        if let Some(event) = checker.quote_if_nothing_stands().await? {
            send(events, event).await?;
        }
        checking += clock.elapsed();
        Ok::<_, AnswerError>(())
    };
    // A caller that left ends `reading`, and with it the generator's work: its reply channel is dropped.
    let (generated, ()) = tokio::try_join!(async { writing.await.map_err(AnswerError::from) }, reading)?;
    let usage = Usage {
        prompt_tokens: generated.prompt_tokens,
        completion_tokens: generated.completion_tokens,
        ..usage(prompt.passages)
    };
    let mut verified = checker.finish();
    verified.milliseconds = checking.as_secs_f64() * 1000.0;
    Ok((Draft { text: generated.text, usage }, verified))
}
