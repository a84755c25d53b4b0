//! Keywords and unfinished sentences, read as questions: `max upload size` asks what the size is, `founder of harvard`
//! who it is, `reset password` how that is done.
//!
//! A reader that was trained on whole questions finds the answer to one sooner than to its keywords. What the keywords
//! ask is read off their nouns; a text that is a question, a request or a whole statement stays as it is. One that
//! is not English stays too. May depend on `english` and its neighbour `language`.

mod embedded;
mod how_to;
mod unfinished;

use super::{
    english::{
        DETERMINERS, PREPOSITIONS, QUESTION_WORDS, REQUESTS, SUBJECT_PRONOUNS, as_sentence, is_one_of,
        noun_kinds::{is_institution, is_person},
        nouns::is_plural,
        opens_question,
        words::{Word, words},
    },
    language::is_foreign,
};

/// The most words that are read as keywords; more of them are a text, and not an abbreviated question.
const MAX_WORDS: usize = 10;

/// Words that open a continuation of what was said before.
const CONTINUATIONS: &[&str] = &["and", "or", "but", "also", "then", "because", "if", "so", "not"];

/// Verbs of which a third person makes a statement of what comes before it.
const STATEMENT_VERBS: &[&str] = &[
    "fails",
    "hangs",
    "crashes",
    "says",
    "shows",
    "returns",
    "does",
    "doesn't",
    "gives",
    "works",
    "keeps",
    "stays",
    "refuses",
    "disappears",
    "stopped",
    "failed",
    "crashed",
    "vanished",
    "got",
];

/// The question that keywords or an unfinished sentence ask; `None` for a text that is a question already, or that the
/// rules cannot read.
pub fn as_question(text: &str) -> Option<String> {
    if is_foreign(text) || !text.contains(char::is_alphanumeric) {
        return None;
    }
    let words = words(text);
    let first = words.first()?;
    if words.len() > MAX_WORDS || words[..words.len() - 1].iter().any(|word| word.ends_clause) {
        return None;
    }
    let asks_late =
        words.len() > 1 && is_one_of(&first.lower, PREPOSITIONS) && is_one_of(&words[1].lower, QUESTION_WORDS);
    if is_one_of(&first.lower, QUESTION_WORDS) || asks_late {
        return embedded::in_order(text, &words).map(|question| as_sentence(&question));
    }
    let second = words.get(1).map_or("", |word| word.lower.as_str());
    let requests = (is_one_of(&first.lower, REQUESTS)
        || matches!(first.lower.as_str(), "help" | "let" | "walk" | "teach" | "look"))
        && !matches!(second, "of" | "for" | "");
    if opens_question(&first.lower) || requests || is_one_of(&first.lower, CONTINUATIONS) || leans_or_states(&words) {
        return None;
    }
    let question = unfinished::question(text, &words)
        .or_else(|| (!states(&words)).then(|| how_to::question(text, &words)).flatten())
        .or_else(|| (!states(&words)).then(|| keywords(text, &words)).flatten())?;
    Some(as_sentence(&question))
}

/// Whether somebody tells something, or the words lean on what was said before.
fn leans_or_states(words: &[Word]) -> bool {
    let lower = |word: &Word| word.lower.clone();
    words.iter().any(|word| is_one_of(&word.lower, SUBJECT_PRONOUNS))
        || words.iter().any(|word| matches!(word.lower.as_str(), "one" | "ones" | "them" | "him" | "me"))
        || matches!(
            lower(&words[0]).as_str(),
            "my" | "its" | "his" | "her" | "their" | "this" | "that" | "these" | "those"
        )
}

fn states(words: &[Word]) -> bool {
    let middle = words.get(1..).unwrap_or_default();
    middle.iter().any(|word| {
        matches!(word.lower.as_str(), "is" | "are" | "was" | "were" | "has" | "had" | "will" | "cannot" | "can't")
    }) || middle.iter().any(|word| is_one_of(&word.lower, STATEMENT_VERBS))
}

/// The question that a noun phrase or a heap of keywords asks.
fn keywords(text: &str, words: &[Word]) -> Option<String> {
    let bare = |from: usize, to: usize| &text[words[from].start..words[to - 1].end];
    let count = words.len();
    let whole = bare(0, count);
    if is_one_of(&words[0].lower, PREPOSITIONS) {
        return None;
    }
    if let Some(at) = words.iter().position(|word| matches!(word.lower.as_str(), "vs" | "versus")) {
        let parted = at > 0 && at + 1 < count;
        return parted.then(|| format!("what is the difference between {} and {}", bare(0, at), bare(at + 1, count)));
    }
    if count == 3 && matches!(words[0].lower.as_str(), "difference" | "differences") {
        return Some(format!("what is the difference between {} and {}", bare(1, 2), bare(2, 3)));
    }
    let coded =
        words.iter().any(|word| matches!(word.lower.as_str(), "error" | "status" | "code" | "http" | "errno" | "exit"));
    if coded && count <= 4 && !words.iter().any(|word| word.lower == "of") && words.iter().any(Word::is_number) {
        return Some(format!("what does {whole} mean"));
    }
    // `edict of nantes date`: what is asked for stands at the end.
    let last = words[count - 1].lower.as_str();
    let linked = words.iter().any(|word| word.lower == "of");
    if count > 1
        && (is_attribute(last) || (is_person(last) && count == 2))
        && !is_one_of(&words[0].lower, DETERMINERS)
        && !is_modifier(&words[count - 2].lower, linked)
    {
        let asked = if is_person(last) { "who" } else { "what" };
        return Some(format!("{asked} is the {} of {}", bare(count - 1, count), bare(0, count - 1)));
    }
    let stop = words.iter().position(|word| is_one_of(&word.lower, PREPOSITIONS)).filter(|at| *at > 0).unwrap_or(count);
    let head = words[..stop].iter().rev().find(|word| !word.is_number()).unwrap_or(&words[0]);
    let joined = words[..stop].iter().any(|word| word.lower == "and");
    let plural = is_plural(&head.lower) || joined;
    // The first word of a text is written with a capital for other reasons too.
    let named = |word: &Word| word.is_capitalised(text) && !is_one_of(&word.lower, DETERMINERS);
    let all_named = count > 1
        && words
            .iter()
            .all(|word| named(word) || matches!(word.lower.as_str(), "of" | "de" | "von" | "van" | "la" | "the"));
    let names_person = all_named
        && count <= 4
        && !linked
        && !words.iter().any(|word| is_institution(&word.lower) || word.is_identifier());
    let named_by_role = is_person(&head.lower) || (linked && is_person(&words[stop.min(count) - 1].lower));
    let asked = if names_person || named_by_role { "who" } else { "what" };
    let verb = if plural && !head.is_identifier() { "are" } else { "is" };
    let identifier = words.iter().all(|word| word.is_identifier() || word.is_number());
    let opened = is_one_of(&words[0].lower, DETERMINERS) || words[0].lower.ends_with("'s");
    let generic = matches!(words[0].lower.as_str(), "examples" | "ways");
    let article =
        if opened || names_person || identifier || generic || (count == 1 && !named_by_role) { "" } else { "the " };
    Some(format!("{asked} {verb} {article}{whole}"))
}

/// Nouns at the end of keywords that say what is asked of the words before.
fn is_attribute(word: &str) -> bool {
    matches!(
        word,
        "definition"
            | "meaning"
            | "etymology"
            | "date"
            | "year"
            | "location"
            | "population"
            | "capital"
            | "default"
            | "purpose"
            | "height"
            | "length"
            | "weight"
            | "origin"
            | "cause"
            | "address"
            | "birthplace"
            | "founder"
            | "author"
            | "inventor"
    )
}

/// Words that make one notion with the noun after them: `start date` is no date of a start.
fn is_modifier(word: &str, linked: bool) -> bool {
    !linked
        && matches!(
            word,
            "start"
                | "end"
                | "due"
                | "opening"
                | "closing"
                | "release"
                | "expiry"
                | "file"
                | "ip"
                | "email"
                | "mail"
                | "home"
                | "web"
                | "billing"
                | "listen"
                | "contact"
                | "fiscal"
                | "financial"
                | "academic"
                | "leap"
                | "working"
                | "share"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_become_the_question_that_they_ask() {
        for (keywords, question) in [
            ("max upload size", "What is the max upload size?"),
            ("founder of harvard", "Who is the founder of harvard?"),
            ("opening hours", "What are the opening hours?"),
            ("edict of nantes date", "What is the date of edict of nantes?"),
            ("error 409", "What does error 409 mean?"),
            ("sqlite vs postgres", "What is the difference between sqlite and postgres?"),
            ("reset password", "How do I reset password?"),
            ("when the treaty was signed", "When was the treaty signed?"),
            ("when huguenots left france", "When did huguenots leave france?"),
            ("the capital of poland is", "What is the capital of poland?"),
            ("capital of Poland?", "What is the capital of Poland?"),
        ] {
            assert_eq!(as_question(keywords).as_deref(), Some(question), "{keywords}");
        }
    }

    #[test]
    fn questions_requests_and_statements_stay_as_they_are() {
        for text in [
            "who founded harvard",
            "Is it optional?",
            "list the formats",
            "I forgot my password",
            "upload fails with 413",
            "and for Postgres?",
            "in which year was it founded",
            "",
            "😀",
            "Wie lange ist die Kündigungsfrist?",
            "Сколько стоит подписка?",
            "东京的人口是多少",
        ] {
            assert_eq!(as_question(text), None, "{text}");
        }
    }
}
