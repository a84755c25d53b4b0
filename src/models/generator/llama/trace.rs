//! The scores of every position, for comparing with another implementation. May depend on the parent.

use super::{CHUNK, End, Llama, Product, Run};
use crate::models::generator::sequence::best;

impl Llama {
    /// Reads a prompt from its beginning and continues it greedily, one token at a time and without guesses, and calls
    /// `scores` with the scores after each token: of the prompt as it is read, and of the answer as it is written. Nothing
    /// else may be in work. Gives the answer's tokens, without the end token.
    pub fn trace(
        &mut self,
        prompt: &[u32],
        max_new: usize,
        ends: &[u32],
        mut scores: impl FnMut(&[f32]),
    ) -> (Vec<u32>, End) {
        self.wipe();
        let Some(sequence) = self.begin(prompt, max_new.max(1)) else { unreachable!("alone, each sequence has room") };
        let pages = &sequence.pages;
        for (chunk, tokens) in prompt.chunks(CHUNK).enumerate() {
            self.forward(&[Run { tokens, position: chunk * CHUNK, pages }], Product::Rows);
            for row in 0..tokens.len() {
                self.score(&[row]);
                scores(self.scores(0));
            }
        }
        let mut answer = Vec::new();
        let end = loop {
            let Some(token) = best(self.scores(0)) else { break End::NotFinite };
            if ends.contains(&token) {
                break End::Done;
            }
            if answer.len() == max_new {
                break End::MaxTokens;
            }
            let run = Run { tokens: &[token], position: prompt.len() + answer.len(), pages };
            self.forward(&[run], Product::Vectors);
            self.score(&[0]);
            scores(self.scores(0));
            answer.push(token);
        };
        self.wipe();
        (answer, end)
    }
}
