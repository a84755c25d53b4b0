//! The prompts of the generator: three files, and what is filled into them.
//!
//! When the reader has found the answer, the prompt holds the sentences around it and the words of the span. When nobody
//! read, it holds whole passages, each of them or nothing of it: a budget in tokens decides how many, and the caller
//! learns which were left out. The generator is trained on the prompts that are built here. May depend on `models` and
//! `domain`.

mod excerpt;

use super::Passage;
use crate::models::generator::{GeneratorError, Message, Role};

const SYSTEM: &str = include_str!("system.md");
const USER: &str = include_str!("user.md");
const FOUND: &str = include_str!("found.md");

pub use excerpt::excerpt;

/// What the prompt asks the model to reply when the passages do not hold the answer.
pub const DECLINES: &str = "The passages do not say";

/// A passage as it stands in a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Where it comes from.
    pub heading: &'a str,
    /// What it says.
    pub text: &'a str,
}

impl<'a> From<&'a Passage> for Shown<'a> {
    fn from(passage: &'a Passage) -> Self {
        let heading = if passage.chunk.context.is_empty() { &passage.name } else { &passage.chunk.context };
        Self { heading, text: &passage.chunk.text }
    }
}

/// A prompt, and how many of the passages it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The messages.
    pub messages: Vec<Message>,
    /// So many passages, from the best on, stand in it.
    pub passages: usize,
}

/// Builds the prompt with as many passages, from the best on, as fit into `budget` tokens of the whole prompt, which
/// `count` counts.
///
/// The first passage is always tried: a prompt that does not even hold that one is an error of the generator.
pub fn build(
    count: impl Fn(&[Message]) -> Result<u32, GeneratorError>,
    question: &str,
    passages: &[Shown<'_>],
    budget: u32,
) -> Result<Prompt, GeneratorError> {
    let mut best = render(question, &passages[..passages.len().min(1)]);
    let mut held = passages.len().min(1);
    for shown in 2..=passages.len() {
        let messages = render(question, &passages[..shown]);
        if count(&messages)? > budget {
            break;
        }
        (best, held) = (messages, shown);
    }
    Ok(Prompt { messages: best, passages: held })
}

/// The prompt for a question whose answer was found: the words of the span, and what stands around them
/// ([`excerpt`]).
pub fn build_found(question: &str, around: Shown<'_>, found: &str) -> Vec<Message> {
    // On one line, so that the lines of the template stay what they are.
    let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
    messages(FOUND, &[("passages", &listed(&[around])), ("question", question), ("found", &found)])
}

fn render(question: &str, passages: &[Shown<'_>]) -> Vec<Message> {
    messages(USER, &[("passages", &listed(passages)), ("question", question)])
}

fn listed(passages: &[Shown<'_>]) -> String {
    let one = |(number, passage): (usize, &Shown<'_>)| {
        format!("[{}] {}\n{}", number + 1, passage.heading, passage.text.trim())
    };
    passages.iter().enumerate().map(one).collect::<Vec<_>>().join("\n\n")
}

/// The messages of a template. One pass over it: what a passage or a question contains is never taken for a placeholder.
fn messages(template: &str, values: &[(&str, &str)]) -> Vec<Message> {
    let mut user = String::new();
    for part in template.trim_end().split_inclusive('}') {
        let filled = part.strip_suffix('}').and_then(|part| part.rsplit_once('{')).and_then(|(before, name)| {
            let value = values.iter().find(|(known, _)| *known == name)?.1;
            Some([before, value])
        });
        match filled {
            Some(texts) => user.extend(texts),
            None => user.push_str(part),
        }
    }
    vec![
        Message { role: Role::System, content: SYSTEM.trim_end().to_owned() },
        Message { role: Role::User, content: user },
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::answer::postfilter::testing::passage;

    #[test]
    fn the_prompt_reads_as_it_should() {
        let passages = [passage("A lease lasts a minute."), passage("It is extended {question} by a heartbeat.")];
        let shown: Vec<Shown<'_>> = passages.iter().map(Shown::from).collect();
        insta::assert_snapshot!(written(&render("How long is a lease?", &shown)));
    }

    #[test]
    fn the_prompt_for_an_answer_that_was_found_reads_as_it_should() {
        let around = Shown { heading: "Guide > Leases", text: "A lease lasts {found} a minute." };
        insta::assert_snapshot!(written(&build_found("How {passages} long?", around, "a\nminute")));
    }

    fn written(messages: &[Message]) -> String {
        messages.iter().map(|m| format!("<{:?}>\n{}\n", m.role, m.content)).collect()
    }
}
