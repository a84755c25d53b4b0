//! From evidence to a draft, and sentence by sentence from the draft to what is verified.
//!
//! Sentences are checked while the model is still writing, so that a streamed answer holds only what has a
//! footnote. May depend on `domain` and `models`.

use std::{sync::Arc, time::Instant};

use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::{
    AnswerError, AnswerEvent, AnswerServices, FoundSpan, Passage, PreparedPart, ReadEvidence, Verdict, Verified,
    instructions::without_instructions,
    postfilter::Checker,
    prompts::{self, Prompt, Shown, excerpt},
    send,
};
use crate::{
    domain::{Usage, sentences, text::CodePointIndex},
    models::generator::{GenerateRequest, Generator, GeneratorError},
};

/// The tokens that an answer may have. One or two sentences are asked for.
pub(crate) const MAX_NEW_TOKENS: u32 = 96;
/// The tokens of a whole prompt: what a question on a CPU should cost, far below the model's window.
pub(crate) const PROMPT_BUDGET: u32 = 1_024;

/// What the generator wrote.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// The text, as it came.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
}

/// Writes a draft and checks it. What is verified begins at the code point `begins_at` of the whole answer. Nothing is written without any evidence, nor when the evidence does not hold the answer.
pub async fn generate(
    services: &AnswerServices,
    question: &PreparedPart,
    read: &ReadEvidence,
    begins_at: u32,
    events: &Option<mpsc::Sender<AnswerEvent>>,
) -> Result<(Draft, Verified), AnswerError> {
    let passages = &read.evidence.passages;
    let usage = |held: usize| Usage {
        passages_read: held as u32,
        passages_left_out: (passages.len() - held) as u32,
        ..Usage::default()
    };
    let nothing = Draft { usage: usage(0), ..Draft::default() };
    if passages.is_empty() {
        return Ok((nothing, Verified::default()));
    }
    if let Verdict::DoesNotHold { probability, .. } = &read.verdict {
        return Ok((nothing, Verified { confidence: *probability, ..Verified::default() }));
    }
    let clock = Instant::now();
    let mut checker = Checker::new(services, question, read, begins_at);
    if read.verdict == Verdict::NotRead && !checker.may_hold_the_answer().await? {
        return Ok((nothing, checker.finish().after(clock)));
    }
    let mut checking = clock.elapsed();

    let generator = &services.generator;
    let text = &question.interpreted;
    let prompt = match &read.verdict {
        Verdict::Holds(span) => prompt_around(text, &passages[0], span),
        _ => prompt_of_whole_passages(generator, text, passages).await?,
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
                let check = checker.check(&sentence).instrument(tracing::info_span!("postfilter"));
                if let Some(event) = check.await? {
                    send(events, event).await?;
                }
            }
            checking += clock.elapsed();
        }
        let clock = Instant::now();
        let last = checker.check(&text[checked..]).instrument(tracing::info_span!("postfilter"));
        if let Some(event) = last.await? {
            send(events, event).await?;
        }
        if let Some(event) = checker.quote_if_nothing_stands().await? {
            send(events, event).await?;
        }
        checking += clock.elapsed();
        Ok::<_, AnswerError>(())
    };
    // A caller that left ends `reading`, and with it the generator's work: its reply channel is dropped.
    let (generated, ()) = tokio::try_join!(async { writing.await.map_err(of_the_question) }, reading)?;
    let usage = Usage {
        prompt_tokens: generated.prompt_tokens,
        completion_tokens: generated.completion_tokens,
        ..usage(prompt.passages)
    };
    let mut verified = checker.finish();
    verified.milliseconds = checking.as_secs_f64() * 1000.0;
    Ok((Draft { text: generated.text, usage }, verified))
}

/// The passages are of our choosing: what the caller can shorten is the question.
fn of_the_question(error: GeneratorError) -> AnswerError {
    match error {
        GeneratorError::PromptTooLong { tokens, window } => AnswerError::Invalid(format!(
            "the question with what was found for it has {tokens} tokens, and the generator takes {window}: shorten the \
             question"
        )),
        other => other.into(),
    }
}

/// The prompt when the answer was found: what stands around it.
fn prompt_around(question: &str, passage: &Passage, span: &FoundSpan) -> Prompt {
    let index = CodePointIndex::new(&passage.chunk.text);
    let bytes = index.byte_of(span.range.start).zip(index.byte_of(span.range.end));
    let whole = Shown::from(passage);
    // A span is a place in its passage; of a reader that says another one, the words remain.
    let around = bytes.map(|(start, end)| excerpt(whole.text, start..end));
    let around = around.map(|around| {
        let kept = around.find(&span.text).map(|start| start..start + span.text.len());
        without_instructions(&around, kept)
    });
    let shown = Shown { text: around.as_deref().unwrap_or(whole.text), ..whole };
    Prompt { messages: prompts::build_found(question, shown, &span.text), passages: 1 }
}

/// The prompt when nobody read: as many whole passages as fit.
async fn prompt_of_whole_passages(
    generator: &Arc<dyn Generator>,
    question: &str,
    passages: &[Passage],
) -> Result<Prompt, AnswerError> {
    let budget = PROMPT_BUDGET.min(generator.context_window().saturating_sub(MAX_NEW_TOKENS));
    let (generator, question, passages) = (generator.clone(), question.to_owned(), passages.to_vec());
    let build = move || {
        let shown: Vec<Shown<'_>> = passages.iter().map(Shown::from).collect();
        prompts::build(|messages| generator.count_prompt_tokens(messages), &question, &shown, budget)
    };
    let built = tokio::task::spawn_blocking(build).await;
    Ok(built.map_err(|error| GeneratorError::Failed(error.to_string()))??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_much_is_told_to_shorten_the_question() {
        let error = of_the_question(GeneratorError::PromptTooLong { tokens: 9_000, window: 2_048 });
        assert!(matches!(&error, AnswerError::Invalid(text) if text.contains("9000") && text.contains("shorten")));
        assert!(of_the_question(GeneratorError::Busy).is_transient());
    }
}
