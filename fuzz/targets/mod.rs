//! What must hold for every input, one function for each target: it panics when something does not.
//!
//! Two drive them: the programs in `fuzz/bin`, which look for inputs by coverage, and the tests (`tests/it/fuzz.rs`), which
//! change at random what is right and end after a bounded time.

pub mod bodies;
pub mod chunks;
pub mod files;
pub mod filters;
pub mod questions;

/// Takes numbers and texts from the bytes of an input, from its beginning on; 0 and nothing when they are used up.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        number % end
    }

    /// What is left, as text.
    pub fn text(self) -> std::borrow::Cow<'a, str> {
        String::from_utf8_lossy(self.0)
    }
}
