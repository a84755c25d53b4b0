//! Which language a question seems to be in.
//!
//! whatlang tells 69 languages by letters and triples of letters, in about 10 µs, with models of some hundred kilobytes,
//! and says how sure it is. whichlang is as small and knows 16 languages, but always names one; lingua is better with
//! single words and brings models of tens of megabytes. May depend on nothing of this crate.

use whatlang::{Script, detect};

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

#[cfg(test)]
mod tests {
    use super::*;

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
