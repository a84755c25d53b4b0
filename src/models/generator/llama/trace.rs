//! The scores of every position, for comparing with another implementation. May depend on the parent.

use super::{CHUNK, End, Llama, Product, best};

impl Llama {
    /// Reads a prompt from its beginning and continues it greedily, in the way of [`Llama::generate`] but one token at a
    /// time, and calls
    /// `scores` with the scores after each token: of the prompt as it is read, and of the answer as it is written.
    /// Gives the answer's tokens, without the end token.
    pub fn trace(
        &mut self,
        prompt: &[u32],
        max_new: usize,
        ends: &[u32],
        mut scores: impl FnMut(&[f32]),
    ) -> (Vec<u32>, End) {
        assert!(!prompt.is_empty() && prompt.len() + max_new <= self.window, "the caller checks the length");
        self.wipe();
        for (chunk, tokens) in prompt.chunks(CHUNK).enumerate() {
            self.forward(tokens, chunk * CHUNK, Product::Rows);
            for row in 0..tokens.len() {
                self.score_rows(row..row + 1);
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
            self.forward(&[token], prompt.len() + answer.len(), Product::Vectors);
            self.score_rows(0..1);
            scores(self.scores(0));
            answer.push(token);
        };
        // `read` knows nothing of what was just read.
        self.wipe();
        (answer, end)
    }
}
