//! The scores of every position, for comparing with another implementation. May depend on the parent.

use super::{CHUNK, End, Llama, Product, best};

impl Llama {
    /// Reads a prompt from its beginning and continues it greedily, in the way of [`Llama::generate`], and calls
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
                self.logits_after(row);
                scores(&self.buffers.logits);
            }
        }
        let mut answer = Vec::new();
        let end = loop {
            let Some(token) = best(&self.buffers.logits) else { break End::NotFinite };
            if ends.contains(&token) {
                break End::Done;
            }
            if answer.len() == max_new {
                break End::MaxTokens;
            }
            self.forward(&[token], prompt.len() + answer.len(), Product::Vector);
            self.logits();
            scores(&self.buffers.logits);
            answer.push(token);
        };
        // `read` knows nothing of what was just read.
        self.wipe();
        (answer, end)
    }
}
