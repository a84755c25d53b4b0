//! Questions in the order of a subordinate clause: `when the treaty was signed`, `how to delete a document`.
//!
//! May depend on `english`.

use crate::answer::preprocess::english::{
    AUXILIARIES, BE, DETERMINERS, PREPOSITIONS, SUBJECT_PRONOUNS, is_one_of,
    verbs::{base_of_past, base_of_third, is_base, is_past},
    words::Word,
};

/// Verbs whose amount is not what comes before them: `how much parking costs`.
const COSTS: &[&str] =
    &["costs", "cost", "weighs", "weighed", "pays", "paid", "earns", "earned", "owes", "owed", "charges", "charged"];

/// The same words in the order of a question; `None` where they are in it already, or the verb is not certain.
pub(super) fn in_order(text: &str, words: &[Word]) -> Option<String> {
    let join = |words: &[Word]| words.iter().map(|word| word.of(text)).collect::<Vec<_>>().join(" ");
    let count = words.len();
    let asking = words[0].lower.as_str();
    let second = words.get(1)?;
    if second.lower == "to" && count > 2 && asking != "why" {
        let auxiliary = if asking == "how" { "do" } else { "should" };
        return Some(format!("{} {auxiliary} I {}", join(&words[..1]), join(&words[2..])));
    }
    let measure = asking == "how"
        && matches!(
            second.lower.as_str(),
            "long"
                | "big"
                | "large"
                | "old"
                | "often"
                | "far"
                | "high"
                | "fast"
                | "much"
                | "late"
                | "tall"
                | "wide"
                | "deep"
                | "heavy"
        );
    // `what torque is`, `who the founder was`.
    let last = &words[count - 1];
    if matches!(asking, "what" | "who" | "where" | "when" | "how")
        && count > 2
        && !measure
        && is_one_of(&last.lower, BE)
        && !is_one_of(&second.lower, AUXILIARIES)
    {
        return Some(format!("{} {} {}", join(&words[..1]), join(&words[count - 1..]), join(&words[1..count - 1])));
    }
    let subject = if measure { 2 } else { 1 };
    let opens = words.get(subject)?;
    let clause = match asking {
        "when" | "where" | "why" | "how" => true,
        // `who founded it` has its verb there; `what the museum covers` has its subject.
        "what" | "who" | "whom" => is_one_of(&opens.lower, DETERMINERS),
        _ => false,
    };
    if !clause
        || is_one_of(&opens.lower, AUXILIARIES)
        || is_one_of(&opens.lower, PREPOSITIONS)
        || matches!(opens.lower.as_str(), "many" | "about" | "come" | "not" | "i")
    {
        return None;
    }
    let auxiliary =
        (subject + 1..count).find(|at| is_one_of(&words[*at].lower, AUXILIARIES) && words[*at].lower != "be");
    // `how much salt goes into it`, `how much is left`: what is measured is the subject, and stands where it should.
    let somebody = [DETERMINERS, SUBJECT_PRONOUNS].iter().any(|list| is_one_of(&opens.lower, list));
    let measured = measure && second.lower == "much" && !somebody && !opens.is_capitalised(text);
    if measured && !words.iter().any(|word| is_one_of(&word.lower, COSTS)) {
        return None;
    }
    let verb = (subject + 1..count).find(|at| {
        let word = &words[*at];
        let noun = is_one_of(&words[at - 1].lower, DETERMINERS);
        !noun && !word.is_capitalised(text) && (is_past(&word.lower) || base_of_third(&word.lower).is_some())
    });
    match (auxiliary, verb) {
        (Some(at), verb)
            if verb.is_none_or(|verb| at < verb) && !matches!(words[at].lower.as_str(), "do" | "does" | "did") =>
        {
            Some(format!(
                "{} {} {} {}",
                join(&words[..subject]),
                join(&words[at..=at]),
                join(&words[subject..at]),
                join(&words[at + 1..])
            ))
        }
        (None, Some(at)) => {
            let word = words[at].lower.as_str();
            let (auxiliary, base) = match base_of_past(word).filter(|_| is_past(word)) {
                Some(base) => ("did", base),
                None => ("does", base_of_third(word).filter(|base| is_base(base))?),
            };
            let rest = join(&words[at + 1..]);
            Some(format!("{} {auxiliary} {} {base} {rest}", join(&words[..subject]), join(&words[subject..at])))
        }
        _ => None,
    }
    .map(|question| question.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::preprocess::english::words::words;

    fn ordered(text: &str) -> Option<String> {
        in_order(text, &words(text))
    }

    #[test]
    fn the_verb_comes_before_its_subject() {
        for (clause, question) in [
            ("how to apply for leave", "how do I apply for leave"),
            ("what torque is", "what is torque"),
            ("why the attack failed", "why did the attack fail"),
            ("how long a lease lasts", "how long does a lease last"),
            ("how long the lease is", "how long is the lease"),
            ("how much they lost", "how much did they lose"),
            ("how much parking costs", "how much does parking cost"),
            ("how much the museum charges", "how much does the museum charge"),
            ("where originals are stored", "where are originals stored"),
        ] {
            assert_eq!(ordered(clause).as_deref(), Some(question), "{clause}");
        }
        for question in [
            "when was it signed",
            "who led them",
            "what causes friction",
            "why did it fail",
            "which treaty ended the war",
            "how much salt goes into the dough",
            "how much data was lost",
            "how much memory is",
        ] {
            assert_eq!(ordered(question), None, "{question}");
        }
    }
}
