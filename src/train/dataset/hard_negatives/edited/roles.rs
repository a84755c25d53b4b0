//! Who did what to whom, turned round: the answer takes the place of a name that the question asks about, as in "Who
//! replaced the Normans?" where the Normans replaced somebody.
//!
//! May depend on `names`, `words` and the parent's `target`.

use super::{
    names::{Look, Name, names},
    target::Target,
    words::{akin, stem, words},
};
use crate::train::dataset::normal_form;

/// Stems of words for what holds in both directions: turned round, the question still has an answer.
const MUTUAL: &[&str] = &[
    "allia", "allie", "ally", "among", "battl", "betwe", "borde", "broth", "compa", "conne", "cousi", "diffe", "equal",
    "fight", "fough", "frien", "husba", "join", "joine", "marri", "marry", "meet", "merge", "met", "neigh", "oppon",
    "oppos", "partn", "relat", "rival", "same", "share", "sibli", "simil", "siste", "spous", "synon", "treat", "unite",
    "versu", "war", "wars", "wed", "wife", "with",
];
/// What a question begins with that asks for one who does something, or to whom it is done.
const ASKS_FOR_A_NAME: &[&str] = &["who", "whom", "which", "what"];

/// The names of the question that may change places with its answer, each with the answer; none where the answer is no
/// name of the same look, or what is asked holds in both directions.
pub fn turned_round(target: &Target<'_>) -> Vec<(String, String)> {
    let question = target.question();
    let asked = words(question);
    let begins = asked.first().is_some_and(|word| ASKS_FOR_A_NAME.contains(&word.text.to_lowercase().as_str()));
    if !begins || asked.iter().any(|word| MUTUAL.contains(&stem(&word.text.to_lowercase()).as_str())) {
        return Vec::new();
    }
    let Some(answer) = target.example.short_answers.iter().find_map(|answer| whole_name(answer)) else {
        return Vec::new();
    };
    let olds = names(question).into_iter().filter_map(|name| {
        name.and_shorter().into_iter().find(|name| target.answers_beside(&name.text) && fits(&answer, name))
    });
    olds.map(|old| (old.text, answer.text.clone())).collect()
}

/// The answer as a name, when it is one and nothing else but an article.
fn whole_name(answer: &str) -> Option<Name> {
    let bare = normal_form::answer(answer);
    // A word at the beginning of a sentence may be capitalised for that alone.
    let all = names(&format!("is {answer}"));
    all.into_iter().next().filter(|name| normal_form::answer(&name.text) == bare)
}

fn fits(answer: &Name, old: &Name) -> bool {
    let dated = matches!(old.look, Look::Month | Look::Weekday);
    answer.look == old.look && !dated && !akin(&answer.text, &old.text)
}
