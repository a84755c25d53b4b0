//! What a model makes of a conversation, position by position: for comparing it with another implementation.
//!
//! May depend on `thread` for the loaded model, and on safetensors for the file.

use std::{collections::HashMap, path::Path};

use safetensors::{Dtype, tensor::TensorView};

use super::{GeneratorError, LlamaOptions, Message, sequence::End, text::TextStream, thread::Ready};

/// The tokens of a conversation and of the greedy answer to it, with the scores after each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The prompt's tokens, template included, then the answer's, without an end token.
    pub tokens: Vec<u32>,
    /// How many of them are the prompt's.
    pub prompt_tokens: usize,
    /// How many tokens the model knows.
    pub vocabulary: usize,
    /// The scores of all tokens of the vocabulary after each of `tokens`, one row after the other.
    pub logits: Vec<f32>,
    /// The answer.
    pub text: String,
}

impl Trace {
    /// Loads a model and traces one conversation. Blocks, for a second and more.
    pub fn of(options: &LlamaOptions, messages: &[Message], max_new: u32) -> Result<Self, GeneratorError> {
        let Ready { mut model, vocabulary, template, ends, pools } = Ready::new(options)?;
        let mut tokens = template.encode(messages, &vocabulary)?;
        let prompt_tokens = tokens.len();
        let needed = u32::try_from(prompt_tokens).unwrap_or(u32::MAX).saturating_add(max_new.max(1));
        if needed > options.context_window {
            return Err(GeneratorError::PromptTooLong { tokens: needed, window: options.context_window });
        }
        let mut logits = Vec::new();
        let (answer, end) = pools
            .widest()
            .install(|| model.trace(&tokens, max_new as usize, &ends, |scores| logits.extend_from_slice(scores)));
        if end == End::NotFinite {
            return Err(GeneratorError::Failed("the model's scores are not finite numbers".into()));
        }
        let mut stream = TextStream::default();
        let mut text: String = answer.iter().map(|token| stream.push(vocabulary.bytes(*token))).collect();
        text.push_str(&stream.finish());
        tokens.extend(answer);
        Ok(Self { tokens, prompt_tokens, vocabulary: vocabulary.size(), logits, text })
    }

    /// Writes a safetensors file with `tokens` (u32), `prompt_tokens` (u32, one number) and `logits` (f32, a row for
    /// each token).
    pub fn write(&self, path: &Path) -> Result<(), GeneratorError> {
        let failed = |error: &dyn std::fmt::Display| GeneratorError::Failed(format!("{}: {error}", path.display()));
        let whole = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let prompt_tokens = u32::try_from(self.prompt_tokens).map_err(|error| failed(&error))?;
        let (tokens, prompt_tokens) = (whole(&self.tokens), whole(&[prompt_tokens]));
        let logits: Vec<u8> = self.logits.iter().flat_map(|score| score.to_le_bytes()).collect();
        let rows = self.tokens.len();
        let tensors = [
            ("tokens", TensorView::new(Dtype::U32, vec![rows], &tokens)),
            ("prompt_tokens", TensorView::new(Dtype::U32, vec![1], &prompt_tokens)),
            ("logits", TensorView::new(Dtype::F32, vec![rows, self.vocabulary], &logits)),
        ];
        let mut views = HashMap::new();
        for (name, view) in tensors {
            views.insert(name.to_owned(), view.map_err(|error| failed(&error))?);
        }
        safetensors::serialize_to_file(views, None, path).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::models::generator::{
        GenerateRequest, Generator as _, LlamaGenerator, Role,
        tiny::{self, Shape},
    };

    #[tokio::test]
    async fn a_trace_is_of_the_answer_that_is_given_and_survives_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = tiny::write(folder.path(), &Shape::default());
        let options = tiny::options(path);
        let messages = vec![Message::new(Role::User, "the theory in the end")];
        let trace = Trace::of(&options, &messages, 20).unwrap();
        let generator = LlamaGenerator::load(options.clone()).unwrap();
        let generated = generator.generate(GenerateRequest { messages: messages.clone(), max_new_tokens: 20 }, None);
        let generated = generated.await.unwrap();
        assert_eq!((&trace.text, trace.prompt_tokens), (&generated.text, generated.prompt_tokens as usize));
        assert_eq!(trace.logits.len(), trace.tokens.len() * trace.vocabulary);

        let file = folder.path().join("trace.safetensors");
        trace.write(&file).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let logits = tensors.tensor("logits").unwrap();
        assert_eq!(logits.shape(), [trace.tokens.len(), trace.vocabulary]);
        assert_eq!(logits.data()[..4], trace.logits[0].to_le_bytes());
        assert_eq!(tensors.tensor("tokens").unwrap().data()[..4], trace.tokens[0].to_le_bytes());

        let error = Trace::of(&options, &messages, 1024).unwrap_err();
        assert!(matches!(error, GeneratorError::PromptTooLong { .. }), "{error}");
    }
}
