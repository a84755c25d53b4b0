//! Texts as words: where each stands, and what it is in lower case without the punctuation around it.
//!
//! May depend on nothing.

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word in lower case, without punctuation around it.
    pub lower: String,
    /// The first byte of the word in the text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Whether a comma, full stop, colon or the like follows.
    pub ends_clause: bool,
}

impl Word {
    /// The word as it stands in the text that it was cut from.
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }

    /// Whether it begins with a capital letter in the text that it was cut from, or as `vBNS` does.
    pub fn is_capitalised(&self, text: &str) -> bool {
        self.of(text).chars().take(2).any(char::is_uppercase)
    }

    /// Whether it is written with a digit, an underscore, a slash or the like inside, as names in programs are.
    pub fn is_identifier(&self) -> bool {
        self.lower.contains(['_', '/', '`', '=', '{', '\\'])
            || self.lower.contains("::")
            || self.lower.starts_with("--")
    }

    /// Whether it is a number, a year or a sum: `1564`, `5.3%`, `$38,000`, `2012–13`.
    pub fn is_number(&self) -> bool {
        self.lower.chars().any(|c| c.is_ascii_digit())
            && self
                .lower
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '%' | '$' | '€' | '£' | '-' | '–'))
    }

    /// A year between 1000 and 2199.
    pub fn is_year(&self) -> bool {
        self.lower.len() == 4 && self.lower.parse::<u32>().is_ok_and(|year| (1000..2200).contains(&year))
    }
}

const OUTSIDE: &[char] = &['?', '!', '.', ',', ';', ':', '"', '“', '”', '„', '(', ')', '…', '\'', '‘', '’', '[', ']'];

/// The words of a text, in order. `what's` is two words (`what`, `is`), and so are its like, at the same place.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for piece in text.split_whitespace() {
        let offset = piece.as_ptr() as usize - text.as_ptr() as usize;
        let inside = piece.trim_start_matches(OUTSIDE);
        let start = offset + piece.len() - inside.len();
        // `St.` and `Mr.` end no clause; where the full stop belongs is of no use to the rules.
        let bare = inside.trim_end_matches(OUTSIDE);
        let after = &inside[bare.len()..];
        let ends_clause = after.contains(['?', '!', ',', ';', ':']) || (after.contains('.') && !is_abbreviation(bare));
        if bare.is_empty() {
            if let Some(last) = words.last_mut() {
                last.ends_clause |= ends_clause;
            }
            continue;
        }
        let end = start + bare.len();
        let lower = bare.to_lowercase().replace('’', "'");
        match expand(&lower) {
            Some((first, second)) => {
                words.push(Word { lower: first.to_owned(), start, end, ends_clause: false });
                words.push(Word { lower: second.to_owned(), start, end, ends_clause });
            }
            None => words.push(Word { lower, start, end, ends_clause }),
        }
    }
    words
}

/// Whether a word is usually written with a full stop that ends no sentence.
pub fn is_abbreviation(word: &str) -> bool {
    let lower = word.to_lowercase();
    matches!(
        lower.as_str(),
        "st" | "mr" | "mrs" | "ms" | "dr" | "prof" | "rev" | "jr" | "sr" | "no" | "vs" | "e.g" | "i.e" | "etc"
    ) || word.chars().count() == 1 && word.chars().all(char::is_alphabetic) && lower != "i"
}

/// A text without contractions: `what's` is `what is`.
pub fn written_out(text: &str) -> String {
    let mut whole = text.to_owned();
    // From the end, so that the places before stay as they are.
    for pair in words(text).windows(2).rev().filter(|pair| pair[0].start == pair[1].start) {
        let [first, second] = pair else { continue };
        let capital = first.is_capitalised(text);
        let opening = if capital { super::capitalised(&first.lower) } else { first.lower.clone() };
        whole.replace_range(first.start..first.end, &format!("{opening} {}", second.lower));
    }
    whole
}

fn expand(word: &str) -> Option<(&'static str, &'static str)> {
    Some(match word {
        "what's" | "whats" => ("what", "is"),
        "who's" => ("who", "is"),
        "where's" | "wheres" => ("where", "is"),
        "when's" => ("when", "is"),
        "why's" => ("why", "is"),
        "how's" | "hows" => ("how", "is"),
        "that's" | "thats" => ("that", "is"),
        "it's" => ("it", "is"),
        "there's" => ("there", "is"),
        "i'm" => ("i", "am"),
        "i'd" => ("i", "would"),
        "i've" => ("i", "have"),
        "you're" => ("you", "are"),
        "they're" => ("they", "are"),
        "we're" => ("we", "are"),
        "let's" => ("let", "us"),
        _ => return None,
    })
}

/// The words in lower case, for comparing.
pub fn lowers(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.lower.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_place_and_contractions_are_two() {
        let text = "What’s St. Augustine, (1565)?";
        let found = words(text);
        assert_eq!(lowers(&found), ["what", "is", "st", "augustine", "1565"]);
        assert_eq!(found[3].of(text), "Augustine");
        assert!(!found[2].ends_clause && found[3].ends_clause && found[4].is_year());
        assert!(words("max_upload_bytes")[0].is_identifier() && !words("upload")[0].is_identifier());
    }
}
