//! How long a model reads and writes, without a queue before it and without anything that it has read before.
//!
//! May depend on `thread` for the loaded model.

use std::time::{Duration, Instant};

use super::{GeneratorError, LlamaOptions, Message, llama::CHUNK, sequence::End, text::TextStream, thread::Ready};

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

    /// The answer to a conversation, made without all that makes it fast: nothing that was read before, no guesses, one
    /// token at a time. The text, and its length in tokens. Blocks.
    pub fn plain(&mut self, messages: &[Message], max_new_tokens: u32) -> Result<(String, u32), GeneratorError> {
        let Ready { model, vocabulary, template, ends, pools } = &mut self.ready;
        let prompt = template.encode(messages, vocabulary)?;
        let needed = tokens(prompt.len()).saturating_add(max_new_tokens);
        if needed > self.window {
            return Err(GeneratorError::PromptTooLong { tokens: needed, window: self.window });
        }
        let trace = || model.trace(&prompt, max_new_tokens as usize, ends, |_| ());
        let (answer, end) = pools.widest().install(trace);
        if end == End::NotFinite {
            return Err(GeneratorError::Failed("the model's scores are not finite numbers".into()));
        }
        let mut stream = TextStream::default();
        let text: String = answer.iter().map(|token| stream.push(vocabulary.bytes(*token))).collect();
        Ok((text + &stream.finish(), tokens(answer.len())))
    }

    /// Reads a prompt from its beginning and answers it. Blocks.
    pub fn time(&mut self, messages: &[Message], max_new_tokens: u32) -> Result<Timed, GeneratorError> {
        let Ready { model, vocabulary, template, ends, pools } = &mut self.ready;
        let prompt = template.encode(messages, vocabulary)?;
        let needed = tokens(prompt.len()).saturating_add(max_new_tokens);
        if needed > self.window {
            return Err(GeneratorError::PromptTooLong { tokens: needed, window: self.window });
        }
        model.wipe();
        let begun = Instant::now();
        let Some(mut sequence) = model.begin(&prompt, max_new_tokens as usize) else {
            return Err(GeneratorError::Failed("there is no room for a sequence".into()));
        };
        let mut reading = None;
        pools.widest().install(|| {
            while sequence.end().is_none() {
                match sequence.is_reading() {
                    true => model.read(&mut [&mut sequence], CHUNK, ends),
                    false => model.write(&mut [&mut sequence], ends),
                }
                if !sequence.written().is_empty() {
                    reading.get_or_insert_with(|| begun.elapsed());
                }
            }
        });
        let all = begun.elapsed();
        let (end, answer_tokens, passes) =
            (sequence.end(), tokens(sequence.written().len()), tokens(sequence.passes()));
        model.finish(sequence);
        if end == Some(End::NotFinite) {
            return Err(GeneratorError::Failed("the model's scores are not finite numbers".into()));
        }
        let reading = reading.unwrap_or(all);
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
        let options = LlamaOptions { context_window: 256, ..tiny::options(path) };
        let mut stopwatch = Stopwatch::load(&options).unwrap();
        let messages = vec![Message::new(Role::User, "the theory in the end")];
        let [first, second] = [0, 0].map(|_| stopwatch.time(&messages, 20).unwrap());
        assert_eq!(first.prompt_tokens, stopwatch.count(&messages).unwrap());
        assert_eq!((first.answer_tokens, first.passes), (second.answer_tokens, second.passes));
        assert!(first.answer_tokens > 0 && first.passes <= first.answer_tokens && !first.reading.is_zero());
        let (text, length) = stopwatch.plain(&messages, 20).unwrap();
        assert_eq!((length, text.is_empty()), (first.answer_tokens, false));
        let error = stopwatch.time(&messages, 256).unwrap_err();
        assert!(matches!(error, GeneratorError::PromptTooLong { .. }), "{error}");
    }
}
