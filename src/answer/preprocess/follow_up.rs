//! Questions that lean on the conversation, made to stand alone: `when was it founded?`, `and for Postgres?`, `why?`.
//!
//! What leans is found by words without a partner in the question itself (`leaning`) and by what the question leaves out
//! (`ellipsis`, `attribute`); what it leans on comes from the turns before, the last one first: what was asked about, what
//! was answered (`topic`), and what both say (`statement`). A question that stands alone stays as it is, because a wrong
//! rewrite is worse than none. May depend on `english`, `domain` and its neighbour `request_kind`.

mod answers;
mod ask_again;
mod attribute;
mod definite;
mod ellipsis;
mod leaning;
mod left_out;
mod naming;
mod partner;
mod question_shape;
mod replace;
mod said;
mod several;
mod statement;
mod substitute;
mod topic;

use super::{
    english::{
        as_sentence,
        words::{words, written_out},
    },
    request_kind::without_politeness,
};
use crate::domain::{OutcomeKind, Turn, TurnSource};

/// The most words of an answer that can be a thing to ask about, and no explanation.
const MAX_ANSWER_WORDS: usize = 12;

/// The same of a list.
const MAX_LIST_WORDS: usize = 20;

/// The most words of a question that is looked at: a longer one says what it means, and the work grows with its square.
pub const MAX_QUESTION_WORDS: usize = 40;

/// A question that stands alone.
#[derive(Debug, Clone, PartialEq)]
pub struct StandAlone {
    /// The question, with what it leaned on written out.
    pub question: String,
    /// Other readings that are about as likely, best first; often none.
    pub alternatives: Vec<String>,
    /// The sources of the turn that it leans on: what it asks about may well stand there.
    pub carried: Vec<TurnSource>,
}

/// A question of the conversation as it was understood, with the bare answer where there is a short one.
#[derive(Debug, Clone, PartialEq)]
struct Exchange {
    question: String,
    answer: Option<String>,
    sources: Vec<TurnSource>,
    /// Readings that were offered.
    offered: Vec<String>,
}

/// What `text` asks when it is read after `history` (oldest first); `None` when it stands alone, and when nothing in
/// the conversation is a likely partner for what it leans on.
pub fn stand_alone(text: &str, history: &[Turn]) -> Option<StandAlone> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for turn in history.iter().filter(|turn| turn.outcome != Some(OutcomeKind::Blocked)) {
        let question = match &turn.interpreted {
            Some(interpreted) => interpreted.clone(),
            None => readings(&turn.question, &exchanges).into_iter().next().unwrap_or_else(|| turn.question.clone()),
        };
        if question.split_whitespace().nth(MAX_QUESTION_WORDS).is_some() {
            continue;
        }
        exchanges.push(Exchange {
            question: written_out(&question),
            answer: short_answer(turn),
            sources: turn.sources.clone(),
            offered: turn.clarify.clone(),
        });
    }
    let last = exchanges.last()?;
    let mut found = readings(text, &exchanges).into_iter();
    let question = found.next()?;
    // What was said before the last turn is reached through it: its sources are the likely place.
    let mut carried = last.sources.clone();
    if carried.is_empty() {
        carried = exchanges
            .iter()
            .rev()
            .map(|exchange| exchange.sources.clone())
            .find(|sources| !sources.is_empty())
            .unwrap_or_default();
    }
    Some(StandAlone { question, alternatives: found.collect(), carried })
}

/// The bare answer of a turn, if it is short enough to be what the next question is about.
fn short_answer(turn: &Turn) -> Option<String> {
    let answer = turn.short_answer.as_ref().or(turn.answer.as_ref())?.trim();
    let bare = answer.trim_end_matches(['.', '!', '?']).trim();
    let most = if answers::lists(bare) { MAX_LIST_WORDS } else { MAX_ANSWER_WORDS };
    let short = (1..=most).contains(&bare.split_whitespace().count());
    short.then(|| bare.replace('`', ""))
}

/// The readings of a question after some exchanges, best first; none when it stands alone.
fn readings(text: &str, exchanges: &[Exchange]) -> Vec<String> {
    if exchanges.is_empty() || text.split_whitespace().nth(MAX_QUESTION_WORDS).is_some() {
        return Vec::new();
    }
    let bare = written_out(&without_politeness(text).unwrap_or_else(|| text.trim().to_owned()));
    let (rest, continues) = leaning::without_continuation(&bare);
    // `and` is taken for politeness where a question follows it.
    let continues = continues || leaning::without_continuation(text).1;
    let event = attribute::about_event(rest, exchanges);
    let (rest, continues) = event.map_or((rest, continues), |event| (event, true));
    if let Some(completed) = attribute::complete(rest, exchanges) {
        return vec![as_sentence(&completed)];
    }
    let mut found = Vec::new();
    // Pronouns first: what remains may still leave something out (`and its charter?`).
    let replaced = replace::replace_pronouns(rest, continues, exchanges);
    let candidates = if replaced.is_empty() { vec![rest.to_owned()] } else { replaced.clone() };
    for candidate in candidates {
        let completed = ellipsis::complete(&candidate, continues, !replaced.is_empty(), exchanges);
        match completed {
            Some(completed) => found.push(as_sentence(&completed)),
            None if !replaced.is_empty() => {
                let behind = exchanges.last().and_then(|last| left_out::behind(rest, &candidate, last));
                let bare = candidate.trim_end_matches(['?', '.', '!', ' ']);
                found.push(as_sentence(&behind.map_or_else(|| candidate.clone(), |behind| format!("{bare} {behind}"))));
            }
            None => found.extend(definite::complete(&candidate, exchanges).map(|completed| as_sentence(&completed))),
        }
    }
    found.dedup();
    found.truncate(2);
    found.retain(|question| words(question).len() > 1);
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(question: &str, answer: &str) -> Turn {
        Turn { question: question.to_owned(), answer: Some(answer.to_owned()), ..Turn::default() }
    }

    #[test]
    fn what_leans_is_written_out() {
        for (question, answer, follow_up, stands_alone) in [
            ("When was Harvard formed?", "1636", "who was it named for?", "Who was Harvard named for?"),
            (
                "Who was Harvard named for?",
                "John Harvard",
                "how many books did he leave?",
                "How many books did John Harvard leave?",
            ),
            (
                "What did Louis XIV issue in 1685?",
                "the Edict of Fontainebleau",
                "what did it abolish?",
                "What did the Edict of Fontainebleau abolish?",
            ),
            (
                "Who issued the Edict of Nantes?",
                "Henry IV",
                "in which year?",
                "In which year did Henry IV issue the Edict of Nantes?",
            ),
            (
                "What was the endowment worth in 2011?",
                "$32 billion",
                "and in 2009?",
                "What was the endowment worth in 2009?",
            ),
            (
                "How do I delete a document?",
                "with DELETE",
                "and for Postgres?",
                "How do I delete a document for Postgres?",
            ),
            (
                "What media type do errors have?",
                "application/problem+json",
                "which RFC defines it?",
                "Which RFC defines application/problem+json?",
            ),
            (
                "Which acquired condition weakens the immune system?",
                "HIV/AIDS",
                "and which genetic one?",
                "Which genetic condition weakens the immune system?",
            ),
            (
                "Which formats are read?",
                "Markdown, HTML and PDF",
                "what is kept of the second one?",
                "What is kept of HTML?",
            ),
            (
                "How often does a connector look at its source?",
                "every 600 seconds",
                "can I change that?",
                "Can I change how often a connector looks at its source?",
            ),
            ("What is a lease?", "the right to do a job", "when does it lapse?", "When does the lease lapse?"),
            (
                "What is the symbol of Warsaw?",
                "the mermaid",
                "since when?",
                "Since when has the mermaid been the symbol of Warsaw?",
            ),
            ("Who developed AppleTalk?", "Apple Inc.", "what for?", "What did Apple Inc develop AppleTalk for?"),
            ("How do I make a key?", "with a command", "and revoke one?", "How do I revoke a key?"),
            ("How do I stop it all?", "with Ctrl-C", "are jobs lost then?", "Are jobs lost when I stop it all?"),
            (
                "Which path tells if the process is alive?",
                "/healthz",
                "and if it can answer?",
                "Which path tells if the process can answer?",
            ),
            (
                "Who bought the factory in 1995?",
                "Daewoo",
                "and ten years later?",
                "Who bought the factory ten years later?",
            ),
            ("How many layers did it have at first?", "three", "and later?", "How many layers did it have later?"),
            (
                "Which kinds of imperialism are there?",
                "formal and informal",
                "which is cheaper?",
                "Which kind of imperialism is cheaper?",
            ),
            (
                "Who said that France had a mission?",
                "Ferry",
                "when did he say so?",
                "When did Ferry say that France had a mission?",
            ),
            ("What did Spain cede to Britain?", "Florida", "why?", "Why did Spain cede Florida to Britain?"),
            ("Does a connector follow hidden files?", "no", "and links?", "Does a connector follow links?"),
        ] {
            let found = stand_alone(follow_up, &[turn(question, answer)]);
            assert_eq!(found.map(|found| found.question).as_deref(), Some(stands_alone), "{follow_up}");
        }
    }

    #[test]
    fn what_stands_alone_stays() {
        let history = [turn("When was Harvard formed?", "1636")];
        for text in [
            "Why did Eliot buy bandanas for his crew?",
            "Is it possible to delete a version?",
            "Is there a limit?",
            "What is a lease?",
            "max upload size",
            "Who announced she would resign?",
            "Which of the two forms of energy is cheaper?",
            "Did the pope agree?",
            "Who suggested that imperialism was over?",
        ] {
            assert_eq!(stand_alone(text, &history), None, "{text}");
        }
        assert_eq!(stand_alone("when was it founded?", &[]), None);
    }

    #[test]
    fn he_and_him_are_two_and_the_last_two_turns_may_be_meant() {
        let marquis = [
            turn("Who was the governor of New France?", "the Marquis de Vaudreuil"),
            turn("whom did he send to Frontenac?", "Baron Dieskau"),
        ];
        let networks = [
            turn("Which layer does X.25 work at?", "the network layer"),
            turn("and Frame Relay?", "the data link layer"),
        ];
        for (text, history, stands_alone) in [
            ("where did he send him next?", &marquis, "Where did the Marquis de Vaudreuil send Baron Dieskau next?"),
            ("what is different between them?", &networks, "What is different between X.25 and Frame Relay?"),
        ] {
            let found = stand_alone(text, history).map(|found| found.question);
            assert_eq!(found.as_deref(), Some(stands_alone));
        }
    }

    #[test]
    fn the_turns_before_are_read_in_the_same_way() {
        let history = [
            turn("Who led the Huguenots to Florida?", "Jean Ribault"),
            turn("what colony did he found?", "Charlesfort"),
        ];
        let found = stand_alone("why was it abandoned?", &history).map(|found| found.question);
        assert_eq!(found.as_deref(), Some("Why was Charlesfort abandoned?"));
    }

    /// Words that rules look for, words that they do not know, and letters that are longer or shorter in lower case.
    fn anything() -> impl Strategy<Value = String> {
        let known = prop::sample::select(vec![
            "why",
            "why not",
            "how",
            "how come",
            "who",
            "what",
            "which",
            "when",
            "where",
            "and",
            "or",
            "but",
            "what about",
            "it",
            "its",
            "he",
            "him",
            "his",
            "she",
            "they",
            "them",
            "that",
            "those",
            "this one",
            "the other",
            "the latter",
            "first",
            "second",
            "there",
            "then",
            "exactly",
            "precisely",
            "so long",
            "of",
            "in",
            "to",
            "to whom",
            "for",
            "is",
            "was",
            "did",
            "does",
            "founded",
            "king",
            "the queue",
            "default",
            "1685",
            "2,5",
            "ten years later",
            "later",
            "instead",
            "also",
            "not",
            "another",
            "more",
            "fewer",
            "same",
            "Harvard's",
            "lease",
            "leases",
            "removing",
            "retry",
        ]);
        let odd = prop::sample::select(vec![
            "İ",
            "ẞ",
            "ﬁ",
            "“why”",
            "«",
            "Ǆ",
            "é",
            "\u{301}",
            "日本",
            "🙂",
            "'s",
            "`",
            "?",
            "!",
            ",",
            "-",
            "—",
        ]);
        let piece = prop_oneof![6 => known.prop_map(str::to_owned), 2 => odd.prop_map(str::to_owned), 1 => "\\PC{0,6}"];
        let space = prop::sample::select(vec![" ", " ", " ", "", "\u{a0}"]);
        prop::collection::vec((piece, space), 0..9)
            .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, space)| [piece, space.to_owned()]).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_conversation_is_too_odd(
            text in anything(), turns in prop::collection::vec((anything(), anything()), 1..4),
        ) {
            let history: Vec<Turn> = turns.iter().map(|(question, answer)| turn(question, answer)).collect();
            if let Some(found) = stand_alone(&text, &history) {
                prop_assert!(!found.question.trim().is_empty());
                prop_assert!(found.alternatives.iter().all(|reading| !reading.trim().is_empty()));
            }
        }
    }
}
