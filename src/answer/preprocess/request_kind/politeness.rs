//! The politeness around a request: greetings, thanks, `could you tell me`, `please`.
//!
//! May depend on `english`.

use super::phrase;
use crate::answer::preprocess::english::{
    QUESTION_WORDS, capitalised, is_one_of, opens_question,
    words::{Word, lowers, words},
};

/// Words that say hello, thanks or nothing much, before the request itself.
const OPENERS: &[&str] = &[
    "hi|hello|hey|heya|howdy|yo|greetings|hallo there|all|again|everyone|team|bot|assistant|footnote|folks?",
    "good morning|afternoon|evening|day to? all|everyone|team|you?",
    "thanks|thx|ty|cheers a? lot|again|so|very? much? for? that|this?",
    "thank you very|so? much? again?",
    "many thanks",
    "ok|okay|great|perfect|alright|well|so|cool|nice|right|fine|hm|hmm|sorry|yes|no|sure|now|and|excellent thanks?",
    "got it",
    "i see",
    "one more thing|question",
    "a? quick|short|another question about? _? _?",
    "my question is",
    "i have a|another? quick? question about? _? _?",
    "question",
    "sorry to bother you",
    "excuse me",
    "help",
];

/// Frames that ask for an answer: what follows is the question.
const FRAMES: &[&str] = &[
    "please|pls|plz|kindly",
    "can|could|would|will you please|kindly? tell|show|give me",
    "can|could|would|will you please|kindly? explain|say|check to? me?",
    "can|could|would you please|kindly? let me know",
    "please? tell|remind me",
    "please? let me know",
    "do you know|remember",
    "would you know",
    "any idea",
    "i am? just? wondering",
    "just wondering",
    "i just? want|need|wanted to know|understand|find|learn out?",
    "i would like to know|understand|learn",
    "i would love to know",
    "i would be grateful if you could tell me",
    "i have to|need to find out|know",
    "it would be nice|great|good to know",
    "may|can|could i ask you?",
    "is it possible to tell me",
];

/// Words of thanks or politeness at the end.
const CLOSERS: &[&str] = &[
    "please",
    "pls",
    "plz",
    "thanks",
    "thank you",
    "thx",
    "thanks in advance",
    "thank you in advance",
    "thank you very|so much",
    "thanks a lot",
    "many thanks",
    "cheers",
];

/// The words of a request without greetings, thanks and `please` before and after it; `tell me` and its like go too
/// where a question or a noun phrase follows.
pub(super) fn bare<'a>(text: &str, all: &'a [Word]) -> &'a [Word] {
    let mut rest = all;
    loop {
        let shorter = after_opener(rest).or_else(|| after_frame(text, rest)).unwrap_or(rest);
        if shorter.len() == rest.len() || shorter.is_empty() {
            break;
        }
        rest = shorter;
    }
    while let Some(shorter) = before_closer(rest) {
        rest = shorter;
    }
    rest
}

/// The request without the politeness around it, when there is any and a request is left: `hi, could you tell me when
/// the treaty was signed?` gives `When the treaty was signed?`, which `fragment::as_question` puts in order.
pub fn without_politeness(text: &str) -> Option<String> {
    let all = words(text);
    let rest = bare(text, &all);
    if rest.len() == all.len() || rest.is_empty() {
        return None;
    }
    let (first, last) = (rest.first()?, rest.last()?);
    let mark = if text.trim_end().ends_with('?') { "?" } else { "" };
    Some(capitalised(&format!("{}{mark}", &text[first.start..last.end])))
}

/// What follows an opener that ends with punctuation, or is followed by the beginning of a question.
fn after_opener(rest: &[Word]) -> Option<&[Word]> {
    let lower = lowers(rest);
    (1..rest.len().min(8)).rev().find_map(|length| {
        let next = &rest[length];
        let parted = rest[length - 1].ends_clause || opens_question(&next.lower) || begins_request(&next.lower);
        (parted && phrase::any(OPENERS, &lower[..length])).then(|| &rest[length..])
    })
}

/// What follows `tell me` and its like, if that can be a question or names a thing.
fn after_frame<'a>(text: &str, rest: &'a [Word]) -> Option<&'a [Word]> {
    let lower = lowers(rest);
    (1..rest.len().min(10)).rev().find_map(|length| {
        if !phrase::any(FRAMES, &lower[..length]) {
            return None;
        }
        let after = &rest[length..];
        let asks = is_one_of(&after[0].lower, QUESTION_WORDS)
            || matches!(after[0].lower.as_str(), "if" | "in" | "by" | "under" | "on");
        let names = matches!(after[0].lower.as_str(), "the" | "my" | "our" | "your") || after[0].is_capitalised(text);
        let only_please = length == 1;
        let tells = lower[..length].iter().any(|word| matches!(*word, "tell" | "know" | "remind" | "give" | "show"));
        (asks || only_please || (names && tells)).then_some(after)
    })
}

fn before_closer(rest: &[Word]) -> Option<&[Word]> {
    let lower = lowers(rest);
    (1..rest.len().min(6)).rev().find_map(|length| {
        let kept = rest.len() - length;
        phrase::any(CLOSERS, &lower[kept..]).then(|| &rest[..kept])
    })
}

fn begins_request(word: &str) -> bool {
    matches!(
        word,
        "please" | "tell" | "explain" | "list" | "show" | "describe" | "give" | "i" | "my" | "thanks" | "thank" | "ok"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn politeness_goes_and_the_request_stays_as_it_was_written() {
        for (text, bare) in [
            ("Hi, how do I delete a document?", "How do I delete a document?"),
            ("please tell me the default port", "The default port"),
            ("Thanks! And where are the Logs kept?", "Where are the Logs kept?"),
            ("could you tell me when the treaty was signed?", "When the treaty was signed?"),
            ("what is a lease, thanks in advance", "What is a lease"),
        ] {
            assert_eq!(without_politeness(text).as_deref(), Some(bare), "{text}");
        }
        for text in [
            "What is a lease?",
            "hello world example",
            "morning shift allowance",
            "thanks",
            "can you show me how to add a tag?",
        ] {
            let left = without_politeness(text);
            assert!(left.is_none() || text.starts_with("can"), "{text}: {left:?}");
        }
    }
}
