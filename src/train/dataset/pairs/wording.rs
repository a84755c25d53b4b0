//! An answer in the words of its question, for questions of a few plain forms, and copies of a sentence as a writer makes
//! them.
//!
//! May depend on nothing.

/// Verbs that can stand between a question word and what it asks about.
const COPULAS: [&str; 4] = ["is", "was", "are", "were"];
/// Verbs behind which a question turns the order of its words round, so that it cannot be put straight by rule.
const TURNING: [&str; 14] =
    ["did", "do", "does", "can", "could", "will", "would", "should", "has", "have", "had", "may", "might", "must"];
/// Words and phrases that tie a sentence to the one before it.
const TIES: [&str; 13] = [
    "However, ",
    "In addition, ",
    "Therefore, ",
    "Furthermore, ",
    "Moreover, ",
    "For example, ",
    "Also, ",
    "Thus, ",
    "As a result, ",
    "Additionally, ",
    "Nevertheless, ",
    "In fact, ",
    "Finally, ",
];

/// A form in which a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The question, then the bare answer.
    Bare,
    /// The question, then a sentence that has the answer, where one can be made.
    Sentence,
    /// Such a sentence alone, where one can be made.
    SentenceAlone,
}

/// A question with its answer in a form.
pub fn answered(question: &str, answer: &str, form: Form) -> String {
    let question = question.trim();
    match (form, statement(question, answer)) {
        (Form::Sentence, Some(statement)) => format!("{question} {statement}"),
        (Form::SentenceAlone, Some(statement)) => statement,
        _ => format!("{question} {}", answer.trim()),
    }
}

/// "Who lit the lamp?" and "Ada" as "Ada lit the lamp."; "What was the lamp?" and "a torch" as "The lamp was a torch.".
pub fn statement(question: &str, answer: &str) -> Option<String> {
    let bare = question.trim().strip_suffix('?')?.trim_end();
    let (asks, rest) = bare.split_once(' ')?;
    let (verb, object) = rest.split_once(' ')?;
    let asks = asks.to_lowercase();
    if !matches!(asks.as_str(), "who" | "what") || TURNING.contains(&verb) || !verb.chars().all(char::is_lowercase) {
        return None;
    }
    let answer = answer.trim().trim_end_matches('.');
    if COPULAS.contains(&verb) && asks == "what" {
        return Some(format!("{} {verb} {answer}.", capitalised(object)));
    }
    Some(format!("{} {verb} {object}.", capitalised(answer)))
}

/// The sentence without what ties it to the one before, and without what stands in parentheses.
pub fn plain_copy(sentence: &str) -> String {
    let tie = TIES.iter().find_map(|tie| sentence.strip_prefix(tie));
    let mut out = tie.map_or_else(|| sentence.to_owned(), capitalised);
    while let (Some(open), Some(close)) = (out.find(" ("), out.find(')')) {
        if close < open || out[open + 2..close].contains('(') {
            break;
        }
        out.replace_range(open..=close, "");
    }
    out
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_questions_become_statements_and_others_stay() {
        let said = |question: &str, answer: &str| statement(question, answer);
        assert_eq!(said("Who lit the lamp?", "ada").as_deref(), Some("Ada lit the lamp."));
        assert_eq!(said("What was the lamp?", "a torch").as_deref(), Some("The lamp was a torch."));
        assert_eq!(said("Who was the keeper?", "Ada").as_deref(), Some("Ada was the keeper."));
        for question in ["Who did Ada meet?", "When was it lit?", "What?", "Who lit it", "What Norman lit it?"] {
            assert_eq!(said(question, "x"), None, "{question}");
        }
        assert_eq!(answered("When was it lit?", "1905", Form::Sentence), "When was it lit? 1905");
        assert_eq!(answered("Who lit it up?", "Ada", Form::SentenceAlone), "Ada lit it up.");
    }

    #[test]
    fn a_copy_says_the_same_in_fewer_words() {
        assert_eq!(plain_copy("However, the lamp (of brass) burns."), "The lamp burns.");
        assert_eq!(plain_copy("A lamp) and (a kiln."), "A lamp) and (a kiln.");
        assert_eq!(plain_copy("It burns."), "It burns.");
    }
}
