//! Bytes of tokens into pieces of valid UTF-8.
//!
//! A token may end in the middle of a code point: what is incomplete is held back. Bytes that can never become
//! UTF-8 are shown as U+FFFD, as [`String::from_utf8_lossy`] does. Depends on nothing.

/// Turns a stream of bytes into a stream of text.
#[derive(Debug, Default)]
pub(super) struct TextStream {
    incomplete: Vec<u8>,
}

impl TextStream {
    /// Takes more bytes and gives the text that is now complete, which may be empty.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.incomplete.extend_from_slice(bytes);
        let mut piece = String::new();
        let mut done = 0;
        for chunk in self.incomplete.utf8_chunks() {
            piece.push_str(chunk.valid());
            done += chunk.valid().len();
            let is_last = done + chunk.invalid().len() == self.incomplete.len();
            let may_be_completed =
                is_last && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            if !chunk.invalid().is_empty() && !may_be_completed {
                piece.push(char::REPLACEMENT_CHARACTER);
                done += chunk.invalid().len();
            }
        }
        self.incomplete.drain(..done);
        piece
    }

    /// What is left at the end.
    pub fn finish(self) -> String {
        if self.incomplete.is_empty() { String::new() } else { char::REPLACEMENT_CHARACTER.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(bytes: &[u8], size: usize) -> String {
        let mut stream = TextStream::default();
        let text: String = bytes.chunks(size).map(|chunk| stream.push(chunk)).collect();
        text + &stream.finish()
    }

    #[test]
    fn a_code_point_is_held_back_until_it_is_whole() {
        let mut stream = TextStream::default();
        let [a, b, c, d] = [0xf0, 0x9f, 0xa6, 0x80];
        assert_eq!(stream.push(&[b'x', a]), "x");
        assert_eq!(stream.push(&[b, c]), "");
        assert_eq!(stream.push(&[d, b'y']), "\u{1f980}y");
        assert_eq!(stream.finish(), "");
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_text(bytes in prop::collection::vec(any::<u8>(), 0..40), size in 1usize..7) {
            prop_assert_eq!(stream(&bytes, size), String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn text_comes_through_unchanged(text in "\\PC{0,20}", size in 1usize..7) {
            prop_assert_eq!(stream(text.as_bytes(), size), text);
        }
    }
}
