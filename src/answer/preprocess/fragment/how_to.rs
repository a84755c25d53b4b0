//! Keywords that begin with something to do: `reset password`, `deleting documents`.
//!
//! May depend on `english`.

use crate::answer::preprocess::english::{
    DETERMINERS, PREPOSITIONS, is_one_of, nouns::is_plural, verbs::base_of_gerund, words::Word,
};

/// Verbs that are hardly ever nouns.
const VERBS: &[&str] = &[
    "reset",
    "change",
    "install",
    "delete",
    "restore",
    "create",
    "add",
    "configure",
    "cancel",
    "convert",
    "remove",
    "renew",
    "set",
    "uninstall",
    "enable",
    "disable",
    "rotate",
    "apply",
    "pay",
    "submit",
    "connect",
    "rename",
    "replace",
    "revoke",
    "retry",
    "restart",
    "ingest",
    "activate",
    "deactivate",
    "migrate",
    "extend",
    "terminate",
    "unlock",
    "import",
    "export",
    "download",
    "delegate",
    "enrol",
    "enroll",
    "obtain",
    "edit",
    "merge",
    "send",
    "cite",
];
/// Verbs that are nouns as well: `upload limit` is no advice that is asked for.
const NOUNS_TOO: &[&str] = &[
    "upload", "request", "claim", "update", "upgrade", "start", "stop", "run", "build", "search", "order", "book",
    "move", "register", "train", "contact", "backup", "report", "return", "deploy", "schedule", "share", "store",
    "mount", "scan", "print", "use",
];
/// Nouns that make a verb before them a noun.
const ATTRIBUTES: &[&str] = &[
    "limit",
    "limits",
    "form",
    "forms",
    "size",
    "date",
    "time",
    "level",
    "levels",
    "log",
    "period",
    "rate",
    "deadline",
    "policy",
    "status",
    "code",
    "number",
    "fee",
    "fees",
    "results",
    "queue",
    "timeout",
    "speed",
    "costs",
    "cost",
    "rules",
    "hours",
    "team",
    "address",
    "words",
    "point",
    "station",
    "process",
    "procedure",
    "button",
    "page",
    "interval",
    "of",
    "targets",
    "format",
    "formats",
];

/// The question how it is done.
pub(super) fn question(text: &str, words: &[Word]) -> Option<String> {
    let (first, next) = (words.first()?, words.get(1)?);
    let rest = &text[next.start..words[words.len() - 1].end];
    let nominal = is_one_of(&next.lower, ATTRIBUTES)
        || words.last().is_some_and(|last| is_one_of(&last.lower, ATTRIBUTES) && words.len() == 2);
    let takes_object =
        is_one_of(&next.lower, DETERMINERS) || is_one_of(&next.lower, PREPOSITIONS) || is_plural(&next.lower);
    if is_one_of(&first.lower, VERBS) && !nominal {
        return Some(format!("how do I {} {rest}", first.lower));
    }
    let attributed = words.iter().any(|word| is_one_of(&word.lower, ATTRIBUTES));
    if is_one_of(&first.lower, NOUNS_TOO) && !nominal && (takes_object || !attributed) && words.len() > 1 {
        return Some(format!("how do I {} {rest}", first.lower));
    }
    let base = base_of_gerund(&first.lower)?;
    let known = is_one_of(&base, VERBS) || is_one_of(&base, NOUNS_TOO);
    (known && takes_object && !nominal).then(|| format!("how do I {base} {rest}"))
}
