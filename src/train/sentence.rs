//! A passage narrowed to one sentence, as the reader sees it when it looks again.
//!
//! May depend on `dataset`, `domain` and `models::lexical`.

use std::{collections::HashSet, ops::Range};

use super::dataset::example::Passage;
use crate::{
    domain::{
        sentences::{around, sentences},
        text::{CodePointIndex, CodePointRange},
    },
    models::lexical::Lexical,
};

/// A sentence as a passage of its own, with the range of the answer in it, if it holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// The sentence, under the title and the identifier of its passage.
    pub passage: Passage,
    /// The answer, in code points of the sentence.
    pub answer: Option<CodePointRange>,
}

/// The sentence around `answer`, or without one the sentence with the most words of the question. `None` where that is
/// the whole passage, where the answer stands in no sentence, or where no sentence has a word of the question.
pub fn narrowed(
    lexical: &Lexical,
    question: &str,
    passage: &Passage,
    answer: Option<CodePointRange>,
) -> Option<Narrowed> {
    let text = passage.text.as_str();
    let index = CodePointIndex::new(text);
    let all = sentences(text);
    let sentence = match answer {
        Some(answer) => around(&all, &(index.byte_of(answer.start)?..index.byte_of(answer.end)?))?,
        None => likeliest(lexical, question, text, &all)?,
    };
    if text[..sentence.start].trim().is_empty() && text[sentence.end..].trim().is_empty() {
        return None;
    }
    let before = index.code_point_of(sentence.start)?;
    let answer = match answer {
        Some(answer) => {
            Some(CodePointRange { start: answer.start.checked_sub(before)?, end: answer.end.checked_sub(before)? })
        }
        None => None,
    };
    Some(Narrowed { passage: Passage { text: text[sentence].to_owned(), ..passage.clone() }, answer })
}

/// The sentence with the most words of the question; of equals the first.
fn likeliest(lexical: &Lexical, question: &str, text: &str, all: &[Range<usize>]) -> Option<Range<usize>> {
    let asked: HashSet<String> = lexical.terms(question).into_iter().collect();
    let shared = |sentence: &Range<usize>| {
        let terms: HashSet<String> = lexical.terms(&text[sentence.clone()]).into_iter().collect();
        asked.intersection(&terms).count()
    };
    let scored = all.iter().map(|sentence| (shared(sentence), sentence)).filter(|(shared, _)| *shared > 0);
    scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, sentence)| sentence.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const KILNS: &str = "Über Lourdes: the mill was sold. The kiln was lit by Ada. It burns.";

    fn of(text: &str, question: &str, answer: Option<&str>) -> Option<(String, Option<String>)> {
        let passage = Passage { id: "p".into(), title: "Kilns".into(), text: text.into() };
        let index = CodePointIndex::new(text);
        let range = answer.map(|answer| {
            let start = text.find(answer).unwrap();
            index.range_of(start..start + answer.len()).unwrap()
        });
        let found = narrowed(&Lexical::new(), question, &passage, range)?;
        assert_eq!((found.passage.id.as_str(), found.passage.title.as_str()), ("p", "Kilns"));
        let answer =
            found.answer.map(|range| CodePointIndex::new(&found.passage.text).slice(range).unwrap().to_owned());
        Some((found.passage.text, answer))
    }

    #[test]
    fn an_answer_is_shown_in_its_sentence_and_a_question_without_one_in_the_nearest() {
        let lit = Some(("The kiln was lit by Ada.".to_owned(), Some("Ada".to_owned())));
        assert_eq!(of(KILNS, "Who lit it?", Some("Ada")), lit);
        assert_eq!(
            of(KILNS, "Who bought the mills that were sold?", None).unwrap().0,
            "Über Lourdes: the mill was sold."
        );
        let crossing = of(KILNS, "Who?", Some("Ada. It")).unwrap();
        assert_eq!(crossing, ("The kiln was lit by Ada. It burns.".to_owned(), Some("Ada. It".to_owned())));
    }

    #[test]
    fn where_nothing_is_narrower_or_nearer_nothing_is_shown() {
        assert_eq!(of("The kiln was lit by Ada.", "Who lit it?", Some("Ada")), None);
        assert_eq!(of(KILNS, "Quando?", None), None);
        assert_eq!(of("# Ada\n\nThe kiln burns. It is hot.", "Who?", Some("Ada")), None);
    }
}
