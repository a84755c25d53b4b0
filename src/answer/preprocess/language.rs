//! Which language a question seems to be in.
//!
//! whatlang tells 69 languages by letters and triples of letters, in about 10 µs, with models of some hundred kilobytes,
//! and says how sure it is. whichlang is as small and knows 16 languages, but always names one; lingua is better with
//! single words and brings models of tens of megabytes. May depend on nothing of this crate.

use whatlang::{Script, detect, detect_script};

/// The fewest letters of a text in Latin or Cyrillic letters, which dozens of languages share.
const LETTERS: usize = 20;
/// How sure whatlang has to be.
const SURE: f64 = 0.7;

/// The language of a text as an ISO 639-3 code; `None` when it is too short or not certain.
pub fn language(text: &str) -> Option<&'static str> {
    let found = detect(text)?;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_shared = matches!(found.script(), Script::Latin | Script::Cyrillic | Script::Arabic | Script::Devanagari);
    let sure =
        if is_shared { letters >= LETTERS && found.confidence() >= SURE } else { letters >= 2 && found.is_reliable() };
    sure.then(|| found.lang().code())
}

/// Words that questions of other languages begin with, and nothing in English does. Sorted.
const OPENERS: [&str; 55] = [
    "combien", "cuál", "cuáles", "cuándo", "cuánta", "cuántas", "cuánto", "cuántos", "cómo", "darf", "dlaczego",
    "dónde", "dürfen", "gdzie", "gibt", "hoeveel", "ist", "kann", "kiedy", "können", "muss", "müssen", "onde",
    "perché", "pourquoi", "quais", "quale", "quand", "quando", "quanto", "quel", "quelle", "quelles", "quels", "quem",
    "quién", "quiénes", "quoi", "qué", "sind", "waar", "waarom", "wann", "wanneer", "warum", "welche", "welchem",
    "welchen", "welcher", "welches", "wer", "weshalb", "wie", "wieso", "wird",
];

/// Whether a text is surely not English, however short it is: in another script, or a question as other languages begin
/// one. Rules for English would make nonsense of it.
pub fn is_foreign(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let word = first.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    first.starts_with('¿')
        || OPENERS.binary_search(&word.as_str()).is_ok()
        || detect_script(text).is_some_and(|script| script != Script::Latin)
        || language(text).is_some_and(|code| code != "eng")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_not_english_is_known_however_short_it_is() {
        assert!(OPENERS.is_sorted());
        for text in [
            "Wie lange?",
            "¿hay wifi?",
            "Сколько стоит подписка",
            "东京的人口",
            "كم عدد السكان",
            "WARUM nicht",
            "Ist das erlaubt?",
        ] {
            assert!(is_foreign(text), "{text}");
        }
        for text in ["", "?", "😀", "42", "max upload size", "café", "What is 東京?", "the β test"] {
            assert!(!is_foreign(text), "{text}");
        }
    }

    #[test]
    fn sentences_have_a_language_and_short_texts_have_none() {
        for (text, wanted) in [
            (
                "Where do I find the list of those documents which were uploaded yesterday, and who did that?",
                Some("eng"),
            ),
            ("Wie kann ich die Sprache der Oberfläche ändern, ohne das Programm neu zu starten?", Some("deu")),
            ("Comment puis-je changer la langue de cette application sans la redémarrer ?", Some("fra")),
            ("Почему этот объект здесь ещё называется по-старому?", Some("rus")),
            ("東京はどこですか", Some("jpn")),
            ("서울은 어디에 있습니까", Some("kor")),
            ("Πού βρίσκεται το μουσείο", Some("ell")),
            ("", None),
            ("RRF", None),
            ("shared_buffers", None),
            ("12345 67890", None),
            ("max connections", None),
        ] {
            assert_eq!(language(text), wanted, "{text}");
        }
    }
}
