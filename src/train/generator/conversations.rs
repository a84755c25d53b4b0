//! Examples into conversations: the prompt of the product, and the answer that it should have got.
//!
//! Where an example marks the answer in a passage, the prompt is the one that follows a reader which found it, otherwise
//! the one that follows when nobody read.
//!
//! Whatever is left out is counted, and nothing is cut: [`ConversationCounts`] goes into the card of the run. May
//! depend on `targets`, `dataset`, the generator's texts and `answer`.

use std::sync::OnceLock;

use serde::Serialize;

use super::{
    targets::{Origin, target},
    trunk::KeptRows,
};
use crate::{
    answer::{
        generate::PROMPT_BUDGET,
        preprocess::clean,
        prompts::{self, Shown, excerpt},
    },
    domain::text::CodePointIndex,
    models::generator::{
        Message,
        training::{Batch, TrainingLlama},
    },
    train::{
        TrainError,
        batches::Random,
        config::GeneratorTraining,
        dataset::example::{Example, Expected, Passage, Span, SpanRole},
    },
};

/// The streams of random numbers that decide the places of passages; the epochs have those below.
const PLACES: u64 = 1 << 32;

/// A prompt and its answer.
#[derive(Debug)]
pub struct Conversation {
    /// The tokens of the prompt, then those of the answer with the one that ends it.
    tokens: Vec<u32>,
    /// How many are the prompt's; at least one.
    prompt: usize,
    /// What the layers without pairs make of it, once it is known and to be kept.
    pub(super) trunk: OnceLock<KeptRows>,
}

impl Conversation {
    /// A conversation of at least one token each.
    pub fn new(prompt: Vec<u32>, answer: &[u32]) -> Self {
        let (length, mut tokens) = (prompt.len(), prompt);
        tokens.extend_from_slice(answer);
        Self { tokens, prompt: length, trunk: OnceLock::new() }
    }

    /// What the model reads: all but the last token, which nothing follows.
    pub fn input(&self) -> &[u32] {
        &self.tokens[..self.tokens.len() - 1]
    }

    /// How many tokens that are.
    pub fn inputs(&self) -> usize {
        self.tokens.len() - 1
    }

    /// What it should write.
    pub fn answer(&self) -> &[u32] {
        &self.tokens[self.prompt..]
    }
}

/// Conversations one behind the other; each token of an answer is asked for in the row before it.
pub fn pack(items: &[&Conversation]) -> Batch {
    let mut batch =
        Batch { lengths: items.iter().map(|item| item.inputs()).collect(), asked: Vec::new(), targets: Vec::new() };
    let mut first = 0;
    for item in items {
        batch.asked.extend((item.prompt - 1..item.inputs()).map(|row| (first + row) as u32));
        batch.targets.extend_from_slice(item.answer());
        first += item.inputs();
    }
    batch
}

/// What became of the examples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ConversationCounts {
    /// Examples that were given.
    pub examples: usize,
    /// Conversations that were made of them.
    pub conversations: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Those of them that are the answers'.
    pub answer_tokens: usize,
    /// Conversations whose answer is that of the example.
    pub own_answers: usize,
    /// Conversations whose answer is the sentence of the passage around a bare answer.
    pub passage_sentences: usize,
    /// Conversations whose answer is that the passages do not say.
    pub abstentions: usize,
    /// Examples that were left out because no sentence carries their bare answer.
    pub without_sentence: usize,
    /// Examples that were left out because the product would refuse their question.
    pub refused_questions: usize,
    /// Examples that were left out because the product would not write their answer to its end.
    pub long_answers: usize,
    /// Answered examples that were left out because no passage is marked as carrying the answer, so that it is not
    /// known which to show.
    pub without_support: usize,
    /// Examples that were left out because more passages carry the answer than are shown.
    pub much_support: usize,
    /// Examples that were left out because something that carries the answer stands outside the prompt: beyond the
    /// sentences around it, or in a passage that does not fit.
    pub support_not_shown: usize,
    /// Examples that were left out because prompt and answer together are too long.
    pub long_conversations: usize,
}

/// Which count an example that is left out belongs to.
type LeftOut = fn(&mut ConversationCounts) -> &mut usize;

/// Turns examples into conversations.
pub struct ConversationMaker<'a> {
    llama: &'a TrainingLlama,
    settings: &'a GeneratorTraining,
    seed: u64,
    /// What happened so far.
    pub counts: ConversationCounts,
}

impl<'a> ConversationMaker<'a> {
    /// A new one.
    pub fn new(llama: &'a TrainingLlama, settings: &'a GeneratorTraining, seed: u64) -> Self {
        Self { llama, settings, seed, counts: ConversationCounts::default() }
    }

    /// The conversations of all `examples`.
    pub fn conversations<'e>(
        &mut self,
        examples: impl IntoIterator<Item = &'e Example>,
    ) -> Result<Vec<Conversation>, TrainError> {
        let mut made = Vec::new();
        for (number, example) in examples.into_iter().enumerate() {
            self.counts.examples += 1;
            made.extend(self.conversation(number, example)?);
        }
        self.counts.conversations = made.len();
        self.counts.tokens = made.iter().map(Conversation::inputs).sum();
        self.counts.answer_tokens = made.iter().map(|made| made.answer().len()).sum();
        Ok(made)
    }

    fn conversation(&mut self, number: usize, example: &Example) -> Result<Option<Conversation>, TrainError> {
        let made = self.try_conversation(number, example)?;
        let count = match &made {
            Ok((_, origin)) => match origin {
                Origin::Answer => &mut self.counts.own_answers,
                Origin::Passage => &mut self.counts.passage_sentences,
                Origin::Abstention => &mut self.counts.abstentions,
            },
            Err(left_out) => left_out(&mut self.counts),
        };
        *count += 1;
        Ok(made.ok().map(|(conversation, _)| conversation))
    }

    fn try_conversation(
        &self,
        number: usize,
        example: &Example,
    ) -> Result<Result<(Conversation, Origin), LeftOut>, TrainError> {
        let Some(target) = target(example) else { return Ok(Err(|counts| &mut counts.without_sentence)) };
        let Ok(question) = clean(&example.question).map(|cleaned| cleaned.text) else {
            return Ok(Err(|counts| &mut counts.refused_questions));
        };
        let answer = self.llama.answer_tokens(&target.text)?;
        if answer.len() > self.settings.answer_tokens {
            return Ok(Err(|counts| &mut counts.long_answers));
        }
        let messages = match example.support.iter().find(|span| span.role == SpanRole::Answer) {
            Some(found) => around_the_answer(example, &question, found),
            None => self.whole_passages(number, example, &question)?,
        };
        let messages = match messages {
            Ok(messages) => messages,
            Err(left_out) => return Ok(Err(left_out)),
        };
        let conversation = Conversation::new(self.llama.prompt_tokens(&messages)?, &answer);
        if conversation.tokens.len() > self.settings.max_tokens {
            return Ok(Err(|counts| &mut counts.long_conversations));
        }
        Ok(Ok((conversation, target.origin)))
    }

    /// The prompt of the product when nobody read: whole passages.
    fn whole_passages(
        &self,
        number: usize,
        example: &Example,
        question: &str,
    ) -> Result<Result<Vec<Message>, LeftOut>, TrainError> {
        let carries = |passage: &Passage| example.support.iter().any(|span| span.passage == passage.id);
        let carrying = example.passages.iter().filter(|passage| carries(passage)).count();
        let mut passages: Vec<&Passage> = example.passages.iter().collect();
        if let Some(most) = self.settings.passages {
            if example.expected == Expected::Answered && carrying == 0 {
                return Ok(Err(|counts| &mut counts.without_support));
            }
            if carrying > most {
                return Ok(Err(|counts| &mut counts.much_support));
            }
            passages = chosen(&passages, most, carries, &mut Random::new(self.seed, PLACES | number as u64));
        }
        let shown: Vec<Shown<'_>> =
            passages.iter().map(|passage| Shown { heading: &passage.title, text: &passage.text }).collect();
        let prompt = prompts::build(
            |messages| Ok(u32::try_from(self.llama.prompt_tokens(messages)?.len()).unwrap_or(u32::MAX)),
            question,
            &shown,
            PROMPT_BUDGET,
        )?;
        if passages[prompt.passages..].iter().any(|passage| carries(passage)) {
            return Ok(Err(|counts| &mut counts.support_not_shown));
        }
        Ok(Ok(prompt.messages))
    }
}

/// The prompt of the product when the reader has found the answer. All that carries the answer must stand in it: a model
/// that is to say what it was not shown learns to invent.
fn around_the_answer(example: &Example, question: &str, found: &Span) -> Result<Vec<Message>, LeftOut> {
    let not_shown: LeftOut = |counts| &mut counts.support_not_shown;
    let passage = example.passages.iter().find(|passage| passage.id == found.passage).ok_or(not_shown)?;
    let index = CodePointIndex::new(&passage.text);
    let text_of = |span: &Span| Some(index.byte_of(span.start)?..index.byte_of(span.end)?);
    let place = text_of(found).ok_or(not_shown)?;
    let around = excerpt(&passage.text, place.clone());
    let shown =
        |span: &Span| span.passage == passage.id && text_of(span).is_some_and(|at| around.contains(&passage.text[at]));
    if !example.support.iter().all(shown) {
        return Err(not_shown);
    }
    let shown = Shown { heading: &passage.title, text: &around };
    Ok(prompts::build_found(question, shown, &passage.text[place]))
}

/// At most `most` passages: those that carry the answer, each at a place of its own, among the first of the others.
fn chosen<'e>(
    passages: &[&'e Passage],
    most: usize,
    carries: impl Fn(&Passage) -> bool,
    random: &mut Random,
) -> Vec<&'e Passage> {
    let (carrying, others): (Vec<&Passage>, Vec<&Passage>) =
        passages.iter().copied().partition(|passage| carries(passage));
    let mut chosen: Vec<&Passage> = others.into_iter().take(most.saturating_sub(carrying.len())).collect();
    for passage in carrying {
        chosen.insert(random.below(chosen.len() + 1), passage);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_of_an_answer_is_asked_for_in_the_row_before_it() {
        let (a, b) = (Conversation::new(vec![5, 6, 7], &[8, 1]), Conversation::new(vec![9], &[1]));
        let batch = pack(&[&a, &b]);
        assert_eq!((a.input(), a.answer()), ([5, 6, 7, 8].as_slice(), [8, 1].as_slice()));
        assert_eq!((&*batch.lengths, batch.asked, batch.targets), ([4, 1].as_slice(), vec![2, 3, 4], vec![8, 1, 1]));
    }

    #[test]
    fn the_passage_with_the_answer_is_always_chosen_and_not_always_first() {
        let passage = |id: &str| Passage { id: id.into(), title: "t".into(), text: "x".into() };
        let all = ["a", "b", "c", "d"].map(passage);
        let all: Vec<&Passage> = all.iter().collect();
        let choose = |most, wanted: &[&str], seed| -> String {
            let carries = |passage: &Passage| wanted.contains(&passage.id.as_str());
            let chosen = chosen(&all, most, carries, &mut Random::new(seed, 0));
            chosen.iter().map(|passage| passage.id.as_str()).collect()
        };
        let mut seen: Vec<String> = (0..40).map(|seed| choose(3, &["c"], seed)).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, ["abc", "acb", "cab"]);
        assert_eq!(
            (choose(2, &[], 1), choose(1, &["d"], 1), choose(9, &[], 1)),
            ("ab".into(), "d".into(), "abcd".into())
        );
        assert_eq!(choose(3, &["c"], 7), choose(3, &["c"], 7));
    }
}
