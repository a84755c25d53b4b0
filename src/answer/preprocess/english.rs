//! English as far as rules about questions need it: words, the closed classes, verbs and noun phrases.
//!
//! There is no tagger here. A word is looked up in short lists, and what stands around it decides where the lists leave
//! it open; a rule that needs more certainty than that has to do nothing. May depend on nothing.

pub mod adjectives;
pub mod inflection;
pub mod noun_kinds;
pub mod noun_phrases;
pub mod nouns;
pub mod verbs;
pub mod words;

/// Words that open a question.
pub const QUESTION_WORDS: &[&str] =
    &["who", "whom", "whose", "what", "which", "when", "where", "why", "how", "whether"];

/// Auxiliary and modal verbs.
pub const AUXILIARIES: &[&str] = &[
    "is", "are", "was", "were", "am", "be", "been", "do", "does", "did", "has", "have", "had", "can", "could", "will",
    "would", "shall", "should", "may", "might", "must", "isn't", "aren't", "wasn't", "weren't", "don't", "doesn't",
    "didn't", "can't",
];

/// Forms of `be` that stand before or after their subject.
pub const BE: &[&str] = &["is", "are", "was", "were"];

/// Auxiliaries whose main verb follows in its base form.
pub const BASE_FOLLOWS: &[&str] = &[
    "do", "does", "did", "can", "could", "will", "would", "shall", "should", "may", "might", "must", "don't",
    "doesn't", "didn't", "can't", "to",
];

/// Articles and other words that open a noun phrase.
pub const DETERMINERS: &[&str] = &[
    "the", "a", "an", "this", "that", "these", "those", "my", "your", "our", "his", "her", "its", "their", "every",
    "each", "some", "any", "all", "no", "both", "another",
];

/// Personal pronouns that can be a subject.
pub const SUBJECT_PRONOUNS: &[&str] = &["i", "you", "we", "he", "she", "it", "they"];

/// Prepositions.
pub const PREPOSITIONS: &[&str] = &[
    "of",
    "in",
    "on",
    "at",
    "to",
    "from",
    "by",
    "for",
    "with",
    "without",
    "about",
    "into",
    "onto",
    "under",
    "over",
    "between",
    "among",
    "after",
    "before",
    "during",
    "since",
    "until",
    "till",
    "against",
    "through",
    "per",
    "via",
    "than",
    "as",
    "across",
    "behind",
    "near",
    "within",
    "towards",
    "toward",
    "upon",
    "off",
    "out",
    "up",
    "around",
    "alongside",
    "instead",
    "besides",
    "despite",
    "except",
    "unlike",
    "inside",
    "outside",
    "throughout",
    "beyond",
    "below",
    "above",
];

/// Conjunctions, adverbs and other words that are no part of a noun phrase.
pub const PARTICLES: &[&str] = &[
    "and",
    "or",
    "but",
    "nor",
    "if",
    "because",
    "while",
    "although",
    "though",
    "unless",
    "that",
    "so",
    "then",
    "there",
    "here",
    "not",
    "never",
    "also",
    "too",
    "still",
    "already",
    "ever",
    "just",
    "only",
    "even",
    "now",
    "today",
    "soon",
    "later",
    "again",
    "once",
    "away",
    "back",
    "down",
    "first",
    "together",
    "originally",
    "mainly",
    "usually",
    "really",
    "currently",
    "exactly",
    "please",
    "yet",
    "ago",
    "long",
    "much",
    "many",
    "often",
    "far",
    "else",
    "instead",
    "more",
    "most",
    "very",
    "apart",
];

/// Words that begin another clause.
pub const CLAUSE_WORDS: &[&str] = &[
    "that", "which", "who", "when", "where", "while", "because", "if", "so", "before", "after", "until", "since",
    "although", "unless", "and", "but", "once", "as", "than",
];

/// Words that begin a clause that says when or why.
pub const CONJUNCTIONS: &[&str] = &["if", "when", "while", "unless", "because", "once"];

/// Verbs with which a request for something said begins.
pub const REQUESTS: &[&str] = &[
    "list",
    "explain",
    "describe",
    "show",
    "tell",
    "give",
    "name",
    "compare",
    "define",
    "outline",
    "summarise",
    "summarize",
    "find",
    "say",
    "state",
    "enumerate",
    "please",
];

/// Whether a lower-case word is in a list.
pub fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.contains(&word)
}

/// Whether a lower-case word opens a question: a question word or an auxiliary.
pub fn opens_question(word: &str) -> bool {
    is_one_of(word, QUESTION_WORDS) || (is_one_of(word, AUXILIARIES) && !matches!(word, "be" | "been"))
}

/// Whether a lower-case word belongs to a closed class: it is no name, noun, adjective or main verb.
pub fn is_closed_class(word: &str) -> bool {
    is_one_of(word, QUESTION_WORDS)
        || is_one_of(word, AUXILIARIES)
        || is_one_of(word, DETERMINERS)
        || is_one_of(word, SUBJECT_PRONOUNS)
        || is_one_of(word, PREPOSITIONS)
        || is_one_of(word, PARTICLES)
        || matches!(
            word,
            "me" | "him" | "us" | "them" | "hers" | "theirs" | "itself" | "themselves" | "himself" | "herself"
        )
}

/// The text with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The text as a question: a capital first letter, and a question mark in place of other final punctuation.
pub fn as_sentence(text: &str) -> String {
    let bare = text.trim().trim_end_matches(['?', '.', '!', ',', ';', ':', ' ']);
    format!("{}?", capitalised(bare))
}
