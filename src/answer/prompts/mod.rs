//! The prompt of the generator: two files, and what is filled into them.
//!
//! Every passage stands in it whole or not at all: a budget in tokens decides how many, and the caller learns
//! which were left out. The generator is trained on the prompts that are built here. May depend on `models`.

use super::Passage;
use crate::models::generator::{GeneratorError, Message, Role};

const SYSTEM: &str = include_str!("system.md");
const USER: &str = include_str!("user.md");

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

fn render(question: &str, passages: &[Shown<'_>]) -> Vec<Message> {
    let mut listed = String::new();
    for (number, passage) in passages.iter().enumerate() {
        listed.push_str(&format!("[{}] {}\n{}\n\n", number + 1, passage.heading, passage.text.trim()));
    }
    // One pass over the template: what a passage or a question contains is never taken for a placeholder.
    let mut user = String::new();
    for part in USER.trim_end().split_inclusive('}') {
        match part.rsplit_once('{') {
            Some((before, "passages}")) => user.extend([before, listed.trim_end()]),
            Some((before, "question}")) => user.extend([before, question]),
            _ => user.push_str(part),
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
        let messages = render("How long is a lease?", &shown);
        insta::assert_snapshot!(
            messages.iter().map(|m| format!("<{:?}>\n{}\n", m.role, m.content)).collect::<String>()
        );
    }
}
