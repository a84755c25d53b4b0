//! A prompt that is read, and the answer that is written behind it: how far it is, and what its scores make of it.
//!
//! What may come next is looked up in the text (`speculate`) and read in the same pass as the token before it; only what
//! greedy decoding would have written itself is taken, so the tokens are the same as one by one. May depend on
//! `kv_cache` and `speculate`.

use super::{
    kv_cache::{POSITIONS, PageId},
    speculate::{GUESSES, guess},
};

/// How a sequence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// One of the end tokens came.
    Done,
    /// The bound was reached.
    MaxTokens,
    /// The arithmetic left the range of floats.
    NotFinite,
}

/// One conversation in work.
pub(super) struct Sequence {
    /// The prompt, and behind it what was written.
    tokens: Vec<u32>,
    prompt: usize,
    max_new: usize,
    /// Room for the prompt and the longest answer.
    pub(super) pages: Vec<PageId>,
    /// The tokens of the prompt whose keys and values are there.
    held: usize,
    /// The tokens of the next pass, or of the last: the first is certain, the others were guessed to follow it.
    together: Vec<u32>,
    /// The forward passes that writing took: less than its tokens where guesses were right.
    passes: usize,
    pub(super) end: Option<End>,
}

impl Sequence {
    /// A sequence that has its pages, and of whose prompt `held` tokens need not be read.
    pub fn new(prompt: &[u32], max_new: usize, pages: Vec<PageId>, held: usize) -> Self {
        let (tokens, together) = (prompt.to_vec(), Vec::new());
        Self { tokens, prompt: prompt.len(), max_new, pages, held, together, passes: 0, end: None }
    }

    /// The tokens of the prompt.
    pub fn prompt(&self) -> &[u32] {
        &self.tokens[..self.prompt]
    }

    /// What was written so far, without an end token.
    pub fn written(&self) -> &[u32] {
        &self.tokens[self.prompt..]
    }

    /// Whether a part of the prompt is still to be read.
    pub fn is_reading(&self) -> bool {
        self.held < self.prompt
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The forward passes that writing took.
    pub fn passes(&self) -> usize {
        self.passes
    }

    /// The next part of the prompt and its position: at most `room` tokens, and all that is left or whole blocks. Empty
    /// when there is not even room for a block.
    pub fn part_to_read(&self, room: usize) -> (usize, &[u32]) {
        let rest = &self.tokens[self.held..self.prompt];
        let count = if rest.len() <= room { rest.len() } else { room / POSITIONS * POSITIONS };
        (self.held, &rest[..count])
    }

    /// Notes that so much more of the prompt was read.
    pub fn has_read(&mut self, count: usize) {
        self.held += count;
    }

    /// Chooses what the next pass reads: the last token, and at most `guesses` that may follow it.
    pub fn choose(&mut self, guesses: usize) {
        let room = self.max_new - self.written().len();
        self.together.clear();
        self.together.extend(self.tokens.last());
        self.together.extend_from_slice(guess(&self.tokens, GUESSES.min(guesses).min(room - 1)));
    }

    /// What was chosen, and the position of the first of it.
    pub fn chosen(&self) -> (usize, &[u32]) {
        (self.tokens.len() - 1, &self.together)
    }

    /// Takes the scores after the prompt, or after each token that was chosen: as many tokens more as are certain.
    pub fn take<'a>(&mut self, scores: impl Iterator<Item = &'a [f32]>, ends: &[u32]) {
        self.passes += usize::from(!self.together.is_empty());
        for (row, scores) in scores.enumerate() {
            let Some(next) = best(scores) else { return self.end = Some(End::NotFinite) };
            if ends.contains(&next) {
                return self.end = Some(End::Done);
            }
            self.tokens.push(next);
            if self.written().len() == self.max_new {
                return self.end = Some(End::MaxTokens);
            }
            // The score behind a right guess gives the next token as well.
            if self.together.get(row + 1) != Some(&next) {
                return;
            }
        }
    }
}

/// The first of the highest scores; `None` when a score is not a finite number.
pub(super) fn best(scores: &[f32]) -> Option<u32> {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, score) in scores.iter().enumerate() {
        if !score.is_finite() {
            return None;
        }
        if *score > best.1 {
            best = (token, *score);
        }
    }
    Some(best.0 as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores that say `token`.
    fn say(token: usize) -> Vec<f32> {
        (0..10).map(|at| if at == token { 1.0 } else { 0.0 }).collect()
    }

    fn take(sequence: &mut Sequence, tokens: &[usize]) {
        let scores: Vec<_> = tokens.iter().map(|token| say(*token)).collect();
        sequence.take(scores.iter().map(Vec::as_slice), &[9]);
    }

    #[test]
    fn a_prompt_is_read_in_whole_blocks_and_its_rest() {
        let prompt: Vec<u32> = (0..100).collect();
        let mut sequence = Sequence::new(&prompt, 5, Vec::new(), 32);
        let part = |sequence: &Sequence, room| {
            let (position, tokens) = sequence.part_to_read(room);
            (position, tokens.len(), tokens.first().copied())
        };
        assert_eq!(part(&sequence, 31), (32, 0, None));
        assert_eq!(part(&sequence, 67), (32, 64, Some(32)));
        assert_eq!(part(&sequence, 68), (32, 68, Some(32)));
        sequence.has_read(64);
        assert_eq!((part(&sequence, 100), sequence.is_reading()), ((96, 4, Some(96)), true));
        sequence.has_read(4);
        assert!(!sequence.is_reading());
    }

    #[test]
    fn only_what_greedy_decoding_says_is_taken() {
        let mut sequence = Sequence::new(&[1, 2, 3, 4, 1, 2], 6, Vec::new(), 0);
        take(&mut sequence, &[3]);
        assert_eq!((sequence.written(), sequence.passes()), (&[3][..], 0));
        sequence.choose(3);
        assert_eq!(sequence.chosen(), (6, &[3, 4, 1, 2][..]));
        // The first guess is right, the second is not, and what stands behind that does not count.
        take(&mut sequence, &[4, 5, 6, 7]);
        assert_eq!((sequence.written(), sequence.passes()), (&[3, 4, 5][..], 1));
        sequence.choose(3);
        assert_eq!(sequence.chosen(), (8, &[5][..]));
        take(&mut sequence, &[9]);
        assert_eq!((sequence.end(), sequence.written()), (Some(End::Done), &[3, 4, 5][..]));
    }

    #[test]
    fn no_more_is_guessed_and_taken_than_may_be_written() {
        let mut sequence = Sequence::new(&[1, 2, 3, 4, 1, 2], 3, Vec::new(), 0);
        take(&mut sequence, &[3]);
        sequence.choose(3);
        assert_eq!(sequence.chosen().1, [3, 4]);
        take(&mut sequence, &[4, 1]);
        assert_eq!((sequence.end(), sequence.written()), (Some(End::MaxTokens), &[3, 4, 1][..]));
        let mut sequence = Sequence::new(&[1], 3, Vec::new(), 0);
        sequence.take([[0.0, f32::NAN].as_slice()].into_iter(), &[]);
        assert_eq!(sequence.end(), Some(End::NotFinite));
    }
}
