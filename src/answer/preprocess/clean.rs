//! The text of a question in order: what a wrong encoding, a web page or a keyboard of another script did to it is undone.
//!
//! | What | When | Listed |
//! |---|---|---|
//! | Unicode's composed form, no invisible characters, single spaces, plain hyphens | always | no |
//! | UTF-8 that was read as Latin-1 or Windows-1252 (`cafÃ©`) | the whole text reads as UTF-8, and each place surely is one | yes |
//! | HTML entities (`caf&eacute;`) | within a word, outside of quotes, when the question is not about HTML | yes |
//! | Full-width letters and digits, ligatures | always | yes |
//!
//! A text that is right never changes: where two readings are possible, it stays. May depend on `domain`.

use encoding_rs::WINDOWS_1252;
use unicode_normalization::UnicodeNormalization;

use crate::{
    answer::AnswerError,
    domain::{Correction, CorrectionKind, MAX_QUESTION_CODE_POINTS},
};

/// A text in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// The text.
    pub text: String,
    /// What was changed that a user would notice, in order.
    pub corrections: Vec<Correction>,
}

/// Puts a question's text in order. One that is empty or too long is refused.
pub fn clean(text: &str) -> Result<Cleaned, AnswerError> {
    let length = text.chars().count();
    if length > MAX_QUESTION_CODE_POINTS {
        return Err(AnswerError::Invalid(format!(
            "the question has {length} characters: shorten it to {MAX_QUESTION_CODE_POINTS}"
        )));
    }
    // The wrong encoding first, and on the text as it came: half of what it leaves is invisible.
    let redecoded = redecoded(text).map(|meant| visible(&meant));
    let original = visible(text);
    let mut cleaned = redecoded.unwrap_or_else(|| original.clone());
    let mut corrections = differences(&original, &cleaned);
    for step in [entities, letters] {
        let next = visible(&step(&cleaned));
        corrections.extend(differences(&cleaned, &next));
        cleaned = next;
    }
    if cleaned.is_empty() {
        return Err(AnswerError::Invalid("the question is empty: ask something".to_owned()));
    }
    Ok(Cleaned { text: cleaned, corrections })
}

/// Composed Unicode without control and format characters, with single spaces and plain hyphens.
fn visible(text: &str) -> String {
    // Zero-width characters, soft hyphens and direction marks come with copied text, and part words that look whole.
    let visible = text.nfc().filter(|c| {
        !matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    });
    let visible = visible.map(|c| match c {
        c if c.is_whitespace() || c.is_control() => ' ',
        '\u{2010}' | '\u{2011}' => '-',
        c => c,
    });
    visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words that differ; the whole texts where the number of words does.
fn differences(from: &str, to: &str) -> Vec<Correction> {
    let correction =
        |from: &str, to: &str| Correction { kind: CorrectionKind::Encoding, from: from.to_owned(), to: to.to_owned() };
    if from == to {
        return Vec::new();
    }
    let (words, others): (Vec<&str>, Vec<&str>) = (from.split(' ').collect(), to.split(' ').collect());
    if words.len() != others.len() {
        return vec![correction(from, to)];
    }
    words.into_iter().zip(others).filter(|(from, to)| from != to).map(|(from, to)| correction(from, to)).collect()
}

/// The text that was meant, when this one surely is UTF-8 which was read as Latin-1 or Windows-1252.
fn redecoded(text: &str) -> Option<String> {
    // All of it or nothing: whoever read one letter wrongly read every letter wrongly. A right letter beside it is no
    // UTF-8, which keeps texts that only look like it („Ä“) from being changed.
    let bytes: Vec<u8> = text.chars().map(byte).collect::<Option<_>>()?;
    let meant = String::from_utf8(bytes).ok().filter(|meant| meant != text)?;
    is_certain(&meant).then_some(meant)
}

/// The byte that was read as a character.
fn byte(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(u32::from(c)) {
        return Some(byte);
    }
    let mut buffer = [0; 4];
    let (bytes, _, failed) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
    match *bytes {
        [byte] if !failed => Some(byte),
        _ => None,
    }
}

/// Whether what was decoded anew is a text beyond doubt.
fn is_certain(meant: &str) -> bool {
    let characters: Vec<char> = meant.chars().collect();
    let foreign = characters.iter().filter(|c| !c.is_ascii()).count();
    let letters = characters.iter().filter(|c| !c.is_ascii() && c.is_alphabetic()).count();
    let sure = |(at, c): (usize, &char)| match *c {
        c if c.is_ascii() => true,
        // `Ã` and a mark: no language writes that.
        'À'..='ÿ' => true,
        // `Â°`, `â€™`: nor that. A `»` may end a quotation in capitals, and a space of its own may follow one.
        '»' | '\u{a0}' => foreign > 1,
        '\u{a1}'..='\u{bf}' | '\u{2010}'..='\u{203a}' | '€' | '™' => true,
        // `Ä…` may end a word in capitals, but not stand within one in small letters.
        '\u{100}'..='\u{17f}' => {
            at > 0 && characters[at - 1].is_lowercase()
                || characters.get(at + 1).is_some_and(|next| next.is_lowercase())
        }
        // Other scripts take two or three such marks for each letter: a word of them is beyond chance.
        c => c.is_alphabetic() && letters >= 3,
    };
    characters.iter().enumerate().all(sure)
}

/// The text with the HTML entities that stand within words decoded.
fn entities(text: &str) -> String {
    let lower = text.to_lowercase();
    // Who asks about them means them.
    if ["html", "xml", "entit", "escap", "encod", "`", "\""].iter().any(|word| lower.contains(word)) {
        return text.to_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        let from = &rest[start..];
        let end = from.char_indices().take(12).find(|(_, c)| *c == ';').map(|(at, _)| at + 1);
        let character = end.and_then(|end| entity(&from[..end]));
        let touches = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        match (character, end) {
            (Some(character), Some(end))
                if touches(decoded.chars().next_back())
                    || touches(from[end..].chars().next())
                    || character.is_alphabetic() =>
            {
                decoded.push(character);
                rest = &from[end..];
            }
            _ => {
                decoded.push('&');
                rest = &from[1..];
            }
        }
    }
    decoded + rest
}

/// The character that an entity stands for, with `&` and `;`.
fn entity(text: &str) -> Option<char> {
    let decoded = html_escape::decode_html_entities(text);
    let mut characters = decoded.chars();
    let first = characters.next().filter(|first| !first.is_control() && *first != '<' && *first != '>')?;
    // What is no entity comes back as it is.
    (characters.next().is_none() && decoded != text).then_some(first)
}

/// The text with full-width letters and digits and with ligatures as plain letters.
fn letters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' | '\u{fb00}'..='\u{fb06}' => {
                plain.extend(std::iter::once(c).nfkc());
            }
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn text(from: &str) -> String {
        clean(from).unwrap().text
    }

    /// UTF-8 read as Windows-1252, as browsers do it.
    fn misread(text: &str) -> String {
        WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned()
    }

    #[test]
    fn a_wrong_encoding_is_undone_and_told() {
        let cleaned = clean("Where is the cafÃ© of ZÃ¼rich?").unwrap();
        assert_eq!(cleaned.text, "Where is the café of Zürich?");
        let pairs: Vec<_> = cleaned.corrections.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
        assert_eq!(pairs, [("cafÃ©", "café"), ("ZÃ¼rich?", "Zürich?")]);
        assert!(cleaned.corrections.iter().all(|one| one.kind == CorrectionKind::Encoding));
        for right in
            ["it’s 25°C", "“what” – why", "Główna ulica", "где находится музей", "東京はどこですか", "€5", "à la carte"]
        {
            assert_eq!(text(&misread(right)), text(right));
            // As Latin-1 has it, with control characters.
            assert_eq!(text(&right.bytes().map(char::from).collect::<String>()), text(right));
        }
    }

    #[test]
    fn a_text_that_only_looks_broken_stays() {
        for right in [
            "der Buchstabe „Ä“",
            "„GRÄ…“ und „Ä“",
            "la lettre « Â »",
            "A QUE NÃO É",
            "café, naïve, Zürich",
            "Â\u{a0}?",
            "LÂ»",
            "what is Ã",
            "der Buchstabe Ä… nicht",
            "cafÃ© und café",
            "What does &amp; mean?",
            "What is &lt;?",
            "is caf&eacute; right in HTML?",
            "`R&amp;D`",
            "AT&T and R&D; x",
            "&notanentity; a&b;",
            "don’t",
            "a – b — c",
            "что это？",
            "它是什么？",
        ] {
            let cleaned = clean(right).unwrap();
            assert_eq!(cleaned.text, visible(right));
            assert_eq!(cleaned.corrections, [], "{right}");
        }
    }

    #[test]
    fn entities_full_width_letters_and_ligatures_become_plain() {
        for (from, to) in [
            ("don&#39;t", "don't"),
            ("caf&eacute;", "café"),
            ("R&amp;D", "R&D"),
            ("ＲＲＦ　１２", "RRF 12"),
            ("the ﬁle ﬂow", "the file flow"),
            ("auto\u{ad}vacuum co\u{2011}op", "autovacuum co-op"),
            ("a&nbsp;b", "a b"),
            ("\u{2067}מהו\u{2069} RRF\u{61c}?", "מהו RRF?"),
        ] {
            assert_eq!(text(from), to);
        }
        assert_eq!(clean("the ﬁle").unwrap().corrections.len(), 1);
        assert_eq!(clean("auto\u{ad}vacuum  a\u{2011}b").unwrap().corrections, []);
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_question() {
        assert_eq!(text("cafe\u{301}"), text("caf\u{e9}"));
    }

    #[test]
    fn what_is_empty_or_too_long_is_refused() {
        for empty in ["", " \n", "\u{200b}", "\u{2067} \u{2069}"] {
            assert!(clean(empty).unwrap_err().to_string().contains("empty"));
        }
        let long = "é".repeat(MAX_QUESTION_CODE_POINTS + 1);
        assert!(clean(&long).unwrap_err().to_string().contains("4001"));
    }

    /// Words of a language, some of them between its quotation marks.
    fn sentences(letters: &'static str, quotes: [&'static str; 2]) -> impl Strategy<Value = String> {
        let word =
            (prop::collection::vec(prop::sample::select(letters.chars().collect::<Vec<_>>()), 1..8), any::<bool>());
        prop::collection::vec(word, 1..6).prop_map(move |words| {
            let words = words.into_iter().map(|(word, quoted)| {
                let word: String = word.into_iter().collect();
                if quoted { format!("{}{word}{}", quotes[0], quotes[1]) } else { word }
            });
            words.collect::<Vec<_>>().join(" ") + "?"
        })
    }

    fn right() -> impl Strategy<Value = String> {
        prop_oneof![
            sentences("abcdeghiklmnorstuäöüßÄÖÜABCDE", ["„", "“"]),
            sentences("abcdeilmnoprstuàâçéèêëîïôùûüÿœÀÂÇÉÈ", ["« ", " »"]),
            sentences("abcdeilmnoprstuáéíóúñãõâêôçÃÕÂÊÔÇÁÉ", ["“", "”"]),
            sentences("abcdeikmnoprstuwyząćęłńóśźżĄĆĘŁŃÓŚŹŻ", ["„", "”"]),
            sentences("абвгдежзиклмнопрстуАБВГД", ["«", "»"]),
            sentences("abcdefghijklmnopqrstuvwxyzABC0123456789_.-/:&;#$%", ["'", "'"]),
        ]
    }

    proptest! {
        #[test]
        fn a_text_that_is_right_never_changes(right in right()) {
            let cleaned = clean(&right).unwrap();
            prop_assert_eq!(&cleaned.text, &visible(&right));
            prop_assert_eq!(cleaned.corrections, []);
        }

        #[test]
        fn small_letters_that_were_misread_are_read_anew(right in sentences("abcdeilmnoprstuàâçéèêëîïôùûüäöß", ["", ""])) {
            prop_assert_eq!(text(&misread(&right)), right);
        }

        #[test]
        fn cleaning_twice_is_cleaning_once_and_nothing_panics(from in "\\PC{1,40}") {
            if let Ok(cleaned) = clean(&from) {
                prop_assert!(!cleaned.text.contains("  ") && cleaned.text.trim() == cleaned.text);
                prop_assert_eq!(cleaned.corrections.is_empty(), cleaned.text == visible(&from));
            }
        }
    }
}
