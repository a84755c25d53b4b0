//! Which words of a question may be corrected at all, and which are the user's own business: identifiers, numbers, what
//! is quoted, abbreviations.
//!
//! May depend on `models::lexical`, which knows the scripts without spaces.

use std::ops::Range;

use crate::models::lexical::is_unspaced;

/// A word of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Where it lies, in bytes, without the punctuation around it and without `'s`.
    pub range: Range<usize>,
    /// In lower case.
    pub lower: String,
    /// Whether it is a plain word, which may be corrected.
    pub plain: bool,
    /// Whether its first letter is a capital.
    pub capital: bool,
    /// Whether the question or a sentence of it starts here.
    pub starts: bool,
}

/// The marks that may stand around a plain word.
const AROUND: [char; 22] = [
    '.', ',', ';', ':', '!', '?', '(', ')', '"', '\'', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{ab}',
    '\u{bb}', '\u{2026}', '\u{bf}', '\u{a1}', '\u{2013}', '\u{2014}', '\u{201e}',
];

/// The words of a question, in order.
pub fn tokens(text: &str) -> Vec<Token> {
    let quoted = quoted(text);
    let mut tokens: Vec<Token> = Vec::new();
    let mut starts = true;
    for piece in text.split_whitespace() {
        // `split_whitespace` gives parts of `text`.
        let offset = piece.as_ptr() as usize - text.as_ptr() as usize;
        let word = piece.trim_matches(AROUND);
        if word.is_empty() {
            starts |= piece.contains(['.', '!', '?', ':']);
            continue;
        }
        let begin = offset + (word.as_ptr() as usize - piece.as_ptr() as usize);
        let after = &text[begin + word.len()..offset + piece.len()];
        let stem = without_clitic(word);
        let range = begin..begin + stem.len();
        let inside = quoted.iter().any(|quote| quote.start < range.end && range.start < quote.end);
        let flag = text[offset..begin].ends_with(['.', '\u{2013}', '\u{2014}']);
        tokens.push(Token {
            plain: is_plain(stem) && !inside && !flag && !after.starts_with('('),
            lower: stem.to_lowercase(),
            capital: stem.starts_with(char::is_uppercase),
            starts: std::mem::take(&mut starts),
            range,
        });
        starts = after.contains(['.', '!', '?', ':']);
    }
    tokens
}

/// A word without `'s`.
fn without_clitic(word: &str) -> &str {
    let without = |end: &str| word.strip_suffix(end).filter(|stem| !stem.is_empty());
    without("'s").or_else(|| without("\u{2019}s")).unwrap_or(word)
}

/// Whether a word is letters alone, with no capital but the first. In scripts without spaces a whole sentence looks like
/// one, and the letter that parts it from another one is a number or a name.
fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphabetic() && !is_unspaced(c)) && !word.chars().skip(1).any(char::is_uppercase)
}

/// The stretches between quotation marks or backticks, marks included. A mark that is not closed quotes nothing.
fn quoted(text: &str) -> Vec<Range<usize>> {
    let mut quoted: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some((offset, open)) = text[at..].char_indices().find(|(_, c)| closing(*c).is_some()) {
        let start = at + offset;
        let inner = start + open.len_utf8();
        at = inner;
        // An apostrophe inside of a word opens nothing, and one that a letter follows closes nothing.
        let single = matches!(open, '\'' | '\u{2018}');
        if single && text[..start].ends_with(char::is_alphanumeric) {
            continue;
        }
        let Some(close) = closing(open) else { continue };
        let end = text[inner..].match_indices(close).map(|(offset, _)| inner + offset + close.len_utf8());
        let mut end = end.filter(|end| !single || !text[*end..].starts_with(char::is_alphanumeric));
        if let Some(end) = end.next() {
            quoted.push(start..end);
            at = end;
        }
    }
    quoted
}

fn closing(open: char) -> Option<char> {
    Some(match open {
        '"' | '`' | '\'' => open,
        '\u{201c}' | '\u{201e}' => '\u{201d}',
        '\u{2018}' => '\u{2019}',
        '\u{ab}' => '\u{bb}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> Vec<String> {
        tokens(text).into_iter().filter(|token| token.plain).map(|token| text[token.range].to_owned()).collect()
    }

    #[test]
    fn identifiers_numbers_and_quotes_are_not_plain() {
        for text in [
            "shared_buffers",
            "v1.2",
            "foo.rs",
            "/etc/hosts",
            "camelCase",
            "HTTP",
            "x86",
            "--verbose",
            "-v",
            "std::mem",
            "a@b",
            "fopen()",
            "fopen(path)",
            "$HOME",
            "#tag",
            "apt-get",
            "`teh`",
            "\"teh\"",
            "\u{201c}teh\u{201d}",
            "'teh'",
            "5432",
            ".bashrc",
            "C++",
            "a=b",
            "<div>",
            "don't",
            "\u{2018}teh\u{2019}",
            "\u{2014}force",
            "二零二三年的年假有多少天",
            "서울시의",
        ] {
            assert_eq!(plain(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn words_are_plain_whatever_stands_around_them() {
        assert_eq!(
            plain("Who, exactly, wrote (in Rome) Newton's law?"),
            ["Who", "exactly", "wrote", "in", "Rome", "Newton", "law"]
        );
        assert_eq!(plain("the dogs' bone and the cats' bed"), ["the", "dogs", "bone", "and", "the", "cats", "bed"]);
        assert_eq!(plain("an open \" quote"), ["an", "open", "quote"]);
        let starts: Vec<bool> = tokens("Who? He did").iter().map(|token| token.starts).collect();
        assert_eq!(starts, [true, true, false]);
    }

    proptest! {
        #[test]
        fn every_range_is_a_part_of_the_text_and_they_are_in_order(text in "\\PC{0,60}") {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert!(token.range.start >= end && !text[token.range.clone()].is_empty());
                end = token.range.end;
            }
        }
    }
}
