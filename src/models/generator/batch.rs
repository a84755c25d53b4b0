//! Continuous batching: whatever requests there are, worked on together, pass by pass
//! (<https://www.usenix.org/conference/osdi22/presentation/yu>).
//!
//! A pass over the weights costs hardly more for several tokens than for one, so all answers that are being written grow
//! together. Between two of their tokens only a part of a prompt is read, so that a long one does not hold up the others'
//! streams. Prompts are read in the order in which they came, and an answer is the same, token by token, whatever is
//! worked on beside it. May depend on `llama` and `sequence`.

use super::{
    llama::{CHUNK, Llama},
    sequence::{End, Sequence},
};

/// The tokens of prompts that are read between two tokens of the answers that are being written.
const CHUNK_BESIDE: usize = 128;

/// Who waits for an answer.
pub(super) trait Listener {
    /// Whether nobody does any more: then the work on it ends.
    fn has_left(&self) -> bool;
    /// The next token of the answer.
    fn token(&mut self, token: u32);
    /// The answer has ended.
    fn end(self, end: End);
}

/// What there was to work on in a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// Prompts to read.
    pub prompts: usize,
    /// Answers to write.
    pub answers: usize,
}

/// A model and the requests that it works on.
pub(super) struct Batch<L> {
    model: Llama,
    ends: Vec<u32>,
    most: usize,
    /// In the order in which they came.
    requests: Vec<Request<L>>,
}

struct Request<L> {
    sequence: Sequence,
    /// How many tokens of the answer the listener has.
    told: usize,
    listener: L,
}

impl<L: Listener> Batch<L> {
    /// At most `most` requests at once, whose answers end with one of `ends`.
    pub fn new(model: Llama, ends: Vec<u32>, most: usize) -> Self {
        Self { model, ends, most, requests: Vec::new() }
    }

    /// Whether there is nothing to work on.
    pub fn is_idle(&self) -> bool {
        self.requests.is_empty()
    }

    /// Begins to work on a prompt, or gives its listener back when that must wait until others have ended.
    pub fn admit(&mut self, prompt: &[u32], max_new: usize, listener: L) -> Result<(), L> {
        if self.requests.len() == self.most {
            return Err(listener);
        }
        match self.model.begin(prompt, max_new) {
            Some(sequence) => self.requests.push(Request { sequence, told: 0, listener }),
            None => return Err(listener),
        }
        Ok(())
    }

    /// Works so much: a part of the prompts that are being read, and a token of each answer that is being written.
    pub fn step(&mut self) -> Work {
        let gone = self.requests.extract_if(.., |request| request.listener.has_left());
        gone.for_each(|request| self.model.finish(request.sequence));

        let (mut reading, mut writing): (Vec<_>, Vec<_>) =
            self.requests.iter_mut().map(|request| &mut request.sequence).partition(|sequence| sequence.is_reading());
        let work = Work { prompts: reading.len(), answers: writing.len() };
        if !reading.is_empty() {
            let room = if writing.is_empty() { CHUNK } else { CHUNK_BESIDE };
            self.model.read(&mut reading, room, &self.ends);
        }
        if !writing.is_empty() {
            self.model.write(&mut writing, &self.ends);
        }

        for request in &mut self.requests {
            let written = request.sequence.written();
            written[request.told..].iter().for_each(|token| request.listener.token(*token));
            request.told = written.len();
        }
        for Request { sequence, listener, .. } in
            self.requests.extract_if(.., |request| request.sequence.end().is_some())
        {
            let end = sequence.end();
            self.model.finish(sequence);
            if let Some(end) = end {
                listener.end(end);
            }
        }
        work
    }

    /// Gives up all requests, and what was read for any: after a defect nothing of it can be trusted. Gives the listeners.
    pub fn abandon(&mut self) -> impl Iterator<Item = L> {
        self.model.wipe();
        std::mem::take(&mut self.requests).into_iter().map(|request| request.listener)
    }
}

#[cfg(test)]
mod tests;
