//! How long a model reads and writes, without a queue before it and without anything that it has read before.
//!
//! May depend on `thread` for the loaded model.

use std::time::{Duration, Instant};

use super::{
    GeneratorError, LlamaOptions, Message,
    llama::{End, Step},
    thread::Ready,
};

/// A loaded model that is timed.
pub struct Stopwatch {
    ready: Ready,
    window: u32,
}

/// What a conversation took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// Tokens of the prompt, template included.
    pub prompt_tokens: u32,
    /// From the beginning to the first token of the answer.
    pub reading: Duration,
    /// Tokens of the answer, without the end token.
    pub answer_tokens: u32,
    /// The rest.
    pub writing: Duration,
    /// The forward passes of the rest: less than its tokens where guesses were right.
    pub passes: u32,
}

impl Stopwatch {
    /// Loads a model. Blocks for as long as reading the file takes.
    pub fn load(options: &LlamaOptions) -> Result<Self, GeneratorError> {
        Ok(Self { ready: Ready::new(options)?, window: options.context_window })
    }

    /// The length of a prompt in tokens, template included.
    pub fn count(&self, messages: &[Message]) -> Result<u32, GeneratorError> {
        Ok(tokens(self.ready.template.encode(messages, &self.ready.vocabulary)?.len()))
    }

    /// Reads a prompt from its beginning and answers it. Blocks.
    pub fn time(&mut self, messages: &[Message], max_new_tokens: u32) -> Result<Timed, GeneratorError> {
        let Ready { model, vocabulary, template, ends, pool } = &mut self.ready;
        let prompt = template.encode(messages, vocabulary)?;
        let needed = tokens(prompt.len()).saturating_add(max_new_tokens);
        if needed > self.window {
            return Err(GeneratorError::PromptTooLong { tokens: needed, window: self.window });
        }
        model.wipe();
        let (begun, mut reading, mut answer_tokens) = (Instant::now(), None, 0);
        let end = pool.install(|| {
            model.generate(&prompt, max_new_tokens as usize, ends, |token| {
                if token.is_some() {
                    reading.get_or_insert_with(|| begun.elapsed());
                    answer_tokens += 1;
                }
                Step::Continue
            })
        });
        let all = begun.elapsed();
        if end == End::NotFinite {
            return Err(GeneratorError::Failed("the model's scores are not finite numbers".into()));
        }
        let reading = reading.unwrap_or(all);
        let passes = tokens(model.passes());
        Ok(Timed { prompt_tokens: tokens(prompt.len()), reading, answer_tokens, writing: all - reading, passes })
    }
}

fn tokens(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::models::generator::{
        Role,
        tiny::{self, Shape},
    };

    #[test]
    fn the_same_conversation_is_read_anew_each_time_and_a_long_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = tiny::write(folder.path(), &Shape::default());
        let options =
            LlamaOptions { path, name: "tiny".into(), adapter: None, threads: 2, context_window: 256, queue: 1 };
        let mut stopwatch = Stopwatch::load(&options).unwrap();
        let messages = vec![Message::new(Role::User, "the theory in the end")];
        let [first, second] = [0, 0].map(|_| stopwatch.time(&messages, 20).unwrap());
        assert_eq!(first.prompt_tokens, stopwatch.count(&messages).unwrap());
        assert_eq!((first.answer_tokens, first.passes), (second.answer_tokens, second.passes));
        assert!(first.answer_tokens > 0 && first.passes <= first.answer_tokens && !first.reading.is_zero());
        let error = stopwatch.time(&messages, 256).unwrap_err();
        assert!(matches!(error, GeneratorError::PromptTooLong { .. }), "{error}");
    }
}
