//! What a single example must keep to before anybody may use it. Readers refuse what does not; `lint` lists it.
//!
//! May depend on `example` and `domain`.

use std::collections::HashMap;

use super::example::{Example, Expected, Span};
use crate::domain::MAX_HISTORY;

/// What is wrong with an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// The kind of the defect.
    pub kind: DefectKind,
    /// What is wrong and what to do, in a sentence.
    pub message: String,
}

/// The kinds of defects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefectKind {
    /// A field that must say something says nothing.
    EmptyField,
    /// Licence or provenance are missing or no such thing.
    Origin,
    /// What was said before the question cannot be a conversation.
    History,
    /// The parts of the question and the expected outcome do not go together.
    Parts,
    /// The expected outcome and the answer do not go together.
    Outcome,
    /// Two passages of the example share an id.
    PassageId,
    /// A span is not inside a passage.
    Span,
}

/// Everything that is wrong with an example; empty for a sound one.
pub fn defects(example: &Example) -> Vec<Defect> {
    let mut found = Vec::new();
    empty_fields(example, &mut found);
    if let Some(message) = history_defect(example) {
        add(&mut found, DefectKind::History, message);
    }
    if let Some(message) = parts_defect(example) {
        add(&mut found, DefectKind::Parts, message);
    }
    origin(example, &mut found);
    outcome(example, &mut found);
    spans(example, &mut found);
    found
}

fn add(found: &mut Vec<Defect>, kind: DefectKind, message: impl Into<String>) {
    found.push(Defect { kind, message: message.into() });
}

fn empty_fields(example: &Example, found: &mut Vec<Defect>) {
    for (name, value) in [("id", &example.id), ("question", &example.question)] {
        if value.trim().is_empty() {
            add(found, DefectKind::EmptyField, format!("`{name}` is empty; fill it in"));
        }
    }
    for (number, passage) in example.passages.iter().enumerate() {
        for (name, value) in [("id", &passage.id), ("title", &passage.title), ("text", &passage.text)] {
            if value.trim().is_empty() {
                add(found, DefectKind::EmptyField, format!("`passages[{number}].{name}` is empty; fill it in"));
            }
        }
    }
    let blank = |values: &[String]| values.iter().any(|value| value.trim().is_empty());
    for (name, values) in [("short_answers", &example.short_answers), ("tags", &example.tags)] {
        if blank(values) {
            add(found, DefectKind::EmptyField, format!("`{name}` holds an empty entry; remove it"));
        }
    }
    if example.answer.as_ref().is_some_and(|answer| answer.trim().is_empty()) {
        add(found, DefectKind::EmptyField, "`answer` is empty; fill it in, or leave it out of an abstention");
    }
}

fn origin(example: &Example, found: &mut Vec<Defect>) {
    if example.provenance.trim().is_empty() {
        add(found, DefectKind::Origin, "`provenance` is empty; name the file and record, or who wrote it");
    }
    if example.licence.trim().is_empty() {
        add(found, DefectKind::Origin, "`licence` is empty; give its SPDX identifier, or `LicenseRef-…`");
    } else if !is_spdx(&example.licence) {
        let message = format!("`licence` is {:?}, no SPDX expression; write e.g. CC-BY-SA-4.0", example.licence);
        add(found, DefectKind::Origin, message);
    }
}

/// Whether a text has the form of an SPDX licence expression (SPDX 2.3, annex D). The list of identifiers grows, so
/// whether an identifier is on it is not checked.
pub fn is_spdx(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_operand) = (0_i32, true);
    for token in spaced.split_whitespace() {
        let operator = matches!(token, "AND" | "OR" | "WITH");
        match token {
            "(" if wants_operand => depth += 1,
            ")" if !wants_operand => depth -= 1,
            _ if operator && !wants_operand => wants_operand = true,
            _ if !operator && wants_operand && is_identifier(token) => wants_operand = false,
            _ => return false,
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !wants_operand
}

fn is_identifier(token: &str) -> bool {
    let inner = token.strip_suffix('+').unwrap_or(token);
    inner.starts_with(|c: char| c.is_ascii_alphanumeric())
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'))
}

fn outcome(example: &Example, found: &mut Vec<Defect>) {
    match example.expected {
        Expected::Answered | Expected::Partial => {
            if example.answer.is_none() {
                add(found, DefectKind::Outcome, "the question must be answered, and there is no `answer`; write it");
            }
            if example.passages.is_empty() {
                add(found, DefectKind::Outcome, "the question must be answered, and there are no `passages`");
            }
        }
        Expected::Abstained | Expected::Clarify => {
            // Spans may mark what the readings of an ambiguous question rest on.
            let clear = example.expected == Expected::Abstained;
            let filled = [
                ("answer", example.answer.is_some()),
                ("short_answers", !example.short_answers.is_empty()),
                ("support", clear && !example.support.is_empty()),
            ];
            let must = if clear { "declined" } else { "asked back about" };
            for (name, _) in filled.into_iter().filter(|(_, filled)| *filled) {
                add(found, DefectKind::Outcome, format!("the question must be {must}, and `{name}` is filled in"));
            }
        }
    }
}

/// What is wrong with the conversation before the question.
pub fn history_defect(example: &Example) -> Option<String> {
    if example.history.len() > MAX_HISTORY {
        let count = example.history.len();
        return Some(format!(
            "`history` has {count} exchanges; the product takes {MAX_HISTORY}, so keep the last ones"
        ));
    }
    let blank = |text: &str| text.trim().is_empty();
    let at = example.history.iter().position(|said| blank(&said.question) || blank(&said.answer))?;
    Some(format!("`history[{at}]` lacks its question or its answer; fill it in"))
}

/// What is wrong with the parts of the question: there must be two or more, each answered or declined, and what is
/// expected of the whole follows from them.
pub fn parts_defect(example: &Example) -> Option<String> {
    let parts = &example.parts;
    if parts.is_empty() {
        let partial = example.expected == Expected::Partial;
        return partial.then(|| "a part of the question must be answered, and there are no `parts`".to_owned());
    }
    if parts.len() == 1 {
        return Some("`parts` holds one; a question that asks one thing has none".to_owned());
    }
    for (number, part) in parts.iter().enumerate() {
        let answer = part.answer.is_some() || !part.short_answers.is_empty();
        let wrong = match part.expected {
            _ if part.question.trim().is_empty() => "has no `question`",
            Expected::Answered if !answer => "must be answered and holds neither `answer` nor `short_answers`",
            Expected::Abstained if answer => "must be declined and holds an answer",
            Expected::Partial | Expected::Clarify => "is expected to end in a way that a part cannot",
            Expected::Answered | Expected::Abstained => continue,
        };
        return Some(format!("`parts[{number}]` {wrong}"));
    }
    let answered = parts.iter().filter(|part| part.expected == Expected::Answered).count();
    let whole = match answered {
        0 => Expected::Abstained,
        all if all == parts.len() => Expected::Answered,
        _ => Expected::Partial,
    };
    let message =
        "`expected` does not follow from the parts: all answered is `answered`, none `abstained`, else `partial`";
    (example.expected != whole).then(|| message.to_owned())
}

fn spans(example: &Example, found: &mut Vec<Defect>) {
    let mut lengths: HashMap<&str, u32> = HashMap::new();
    for passage in &example.passages {
        let length = u32::try_from(passage.text.chars().count()).unwrap_or(u32::MAX);
        if lengths.insert(&passage.id, length).is_some() {
            add(found, DefectKind::PassageId, format!("two passages have the id {:?}; rename one", passage.id));
        }
    }
    for (number, Span { passage, start, end, .. }) in example.support.iter().enumerate() {
        let wrong = match lengths.get(passage.as_str()) {
            None => format!("names the passage {passage:?}, which the example does not have"),
            Some(_) if start >= end => format!("is empty: it goes from {start} to {end}"),
            Some(length) if end > length => format!("ends at {end}, and its passage has {length} code points"),
            Some(_) => continue,
        };
        add(found, DefectKind::Span, format!("`support[{number}]` {wrong}; mark it again"));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::train::dataset::example::{ExamplePart, Exchange, Kind, Passage, SpanRole};

    /// A sound example that must be answered, for tests to spoil.
    pub fn sound(id: &str) -> Example {
        let text = "The kiln holds forty pots. It is lit at dawn.".to_owned();
        Example {
            id: id.to_owned(),
            kind: Kind::Task,
            history: vec![],
            parts: vec![],
            question: "How many pots does the kiln hold?".to_owned(),
            passages: vec![Passage { id: "p1".to_owned(), title: "The kiln".to_owned(), text }],
            expected: Expected::Answered,
            answer: Some("forty pots".to_owned()),
            short_answers: vec!["forty pots".to_owned()],
            support: vec![
                Span { passage: "p1".to_owned(), start: 15, end: 25, role: SpanRole::Answer },
                Span { passage: "p1".to_owned(), start: 0, end: 26, role: SpanRole::Evidence },
            ],
            tags: vec![],
            provenance: "written for a test".to_owned(),
            licence: "Apache-2.0".to_owned(),
        }
    }

    fn kinds(example: &Example) -> Vec<DefectKind> {
        defects(example).into_iter().map(|defect| defect.kind).collect()
    }

    #[test]
    fn a_sound_example_has_no_defects() {
        assert_eq!(defects(&sound("a")), []);
    }

    #[test]
    fn each_defect_is_found() {
        let spoilt = |spoil: fn(&mut Example)| {
            let mut example = sound("a");
            spoil(&mut example);
            kinds(&example)
        };
        assert_eq!(spoilt(|e| e.question = " ".into()), [DefectKind::EmptyField]);
        assert_eq!(spoilt(|e| e.passages[0].title.clear()), [DefectKind::EmptyField]);
        assert_eq!(spoilt(|e| e.short_answers.push(String::new())), [DefectKind::EmptyField]);
        assert_eq!(spoilt(|e| e.licence.clear()), [DefectKind::Origin]);
        assert_eq!(spoilt(|e| e.licence = "free to use".into()), [DefectKind::Origin]);
        assert_eq!(spoilt(|e| e.provenance.clear()), [DefectKind::Origin]);
        assert_eq!(spoilt(|e| e.answer = None), [DefectKind::Outcome]);
        assert_eq!(spoilt(|e| e.expected = Expected::Abstained), [DefectKind::Outcome; 3]);
        assert_eq!(spoilt(|e| e.expected = Expected::Clarify), [DefectKind::Outcome; 2]);
        fn said(answer: &str) -> Exchange {
            Exchange { question: "Is there a kiln?".to_owned(), answer: answer.to_owned() }
        }
        assert_eq!(spoilt(|e| e.history = vec![said("Yes."), said(" ")]), [DefectKind::History]);
        assert_eq!(spoilt(|e| e.history = vec![said("Yes."); MAX_HISTORY + 1]), [DefectKind::History]);
        assert_eq!(spoilt(|e| e.passages.push(e.passages[0].clone())), [DefectKind::PassageId]);
        assert_eq!(spoilt(|e| e.support[0].passage = "p2".into()), [DefectKind::Span]);
        assert_eq!(spoilt(|e| e.support[0].end = 500), [DefectKind::Span]);
        assert_eq!(spoilt(|e| e.support[0].end = e.support[0].start), [DefectKind::Span]);
    }

    #[test]
    fn parts_and_the_whole_go_together() {
        let part = |answer: Option<&str>| ExamplePart {
            question: "How many?".to_owned(),
            expected: if answer.is_some() { Expected::Answered } else { Expected::Abstained },
            answer: answer.map(str::to_owned),
            short_answers: vec![],
        };
        let found = |expected: Expected, parts: &[ExamplePart]| {
            kinds(&Example { expected, parts: parts.to_vec(), ..sound("a") })
        };
        let (yes, no) = (part(Some("forty")), part(None));
        assert_eq!(found(Expected::Partial, &[yes.clone(), no.clone()]), []);
        assert_eq!(found(Expected::Answered, &[yes.clone(), yes.clone()]), []);
        assert_eq!(found(Expected::Answered, &[yes.clone(), no.clone()]), [DefectKind::Parts]);
        assert_eq!(found(Expected::Answered, std::slice::from_ref(&yes)), [DefectKind::Parts]);
        assert_eq!(found(Expected::Partial, &[]), [DefectKind::Parts]);
        let unanswered = ExamplePart { answer: None, ..yes.clone() };
        assert_eq!(found(Expected::Answered, &[yes, unanswered]), [DefectKind::Parts]);
    }

    #[test]
    fn spdx_expressions_have_a_form() {
        for right in ["MIT", "CC-BY-SA-4.0", "MIT AND CC-BY-SA-3.0", "(GPL-2.0+ OR MIT) AND LicenseRef-house"] {
            assert!(is_spdx(right), "{right}");
        }
        for wrong in ["", "free to use", "MIT AND", "AND MIT", "(MIT", "MIT)", "MIT/Apache", "()"] {
            assert!(!is_spdx(wrong), "{wrong}");
        }
    }
}
