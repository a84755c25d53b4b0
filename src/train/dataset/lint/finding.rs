//! What `lint` finds: a stable code, how grave it is, where it is, and what to do.
//!
//! May depend on nothing of this crate.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The data set must not be used as it is.
    Error,
    /// Somebody should look.
    Warning,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident;)+) => {
        /// What was found. The names are stable: programs, and `allow` in `dataset.toml`, go by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// How grave it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }
        }
    };
}

codes! {
    /// A line is no example.
    Schema = "schema", Error;
    /// A field that must say something says nothing.
    EmptyField = "empty-field", Error;
    /// Licence or provenance are missing or no such thing.
    Origin = "origin", Error;
    /// The expected outcome and the answer do not go together.
    Outcome = "outcome", Error;
    /// What was said before the question cannot be a conversation.
    History = "history", Error;
    /// The parts of the question and the expected outcome do not go together.
    Parts = "parts", Error;
    /// Two passages of an example share an id.
    PassageId = "passage-id", Error;
    /// A span is not inside a passage.
    Span = "span", Error;
    /// An example stands in the file of another kind.
    WrongKind = "wrong-kind", Error;
    /// Two examples share an id.
    DuplicateId = "duplicate-id", Error;
    /// Two examples are the same but for their ids.
    Duplicate = "duplicate", Error;
    /// Two questions about the same passage are nearly the same.
    NearDuplicate = "near-duplicate", Warning;
    /// Two passages are nearly the same.
    NearDuplicatePassage = "near-duplicate-passage", Warning;
    /// The same question about the same passage must be answered in one example and declined in another.
    ContradictingOutcome = "contradicting-outcome", Error;
    /// The same question about the same passage has answers with nothing in common.
    ContradictingAnswers = "contradicting-answers", Error;
    /// A document is in two splits.
    LeakDocument = "leak-document", Error;
    /// Most of a passage is in another split.
    LeakText = "leak-text", Error;
    /// Some words in a row of a passage are in another split.
    LeakPhrase = "leak-phrase", Warning;
    /// A question, or a long piece of it, is in another split.
    LeakQuestion = "leak-question", Error;
    /// A short question is in another split word by word.
    SameQuestion = "same-question", Warning;
    /// None of the short answers stands in a passage.
    AnswerNotInPassages = "answer-not-in-passages", Error;
    /// A span that marks the answer holds something else.
    AnswerSpan = "answer-span", Error;
    /// The share of unanswerable examples is outside its band.
    UnanswerableShare = "unanswerable-share", Warning;
    /// The share of synthetic examples is over its cap.
    SyntheticShare = "synthetic-share", Error;
    /// A question or passage is longer than the limit.
    TooLong = "too-long", Warning;
    /// A question, passage or answer is far longer or shorter than the others.
    LengthOutlier = "length-outlier", Warning;
    /// Two questions in one example.
    TwoQuestions = "two-questions", Warning;
    /// The question holds an instruction or a piece of a prompt.
    Instruction = "instruction", Warning;
    /// A file mixes answers that are spans, decisions and free text.
    MixedAnswers = "mixed-answers", Warning;
    /// An e-mail address.
    PersonalEmail = "personal-email", Warning;
    /// A telephone number.
    PersonalPhone = "personal-phone", Warning;
    /// The number of a payment card.
    PersonalCard = "personal-card", Error;
    /// The number of a bank account.
    PersonalIban = "personal-iban", Error;
    /// The number of a person in a national register.
    PersonalId = "personal-id", Error;
    /// A text holds a key, a token or a password.
    Secret = "secret", Error;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was found.
    pub code: Code,
    /// How grave it is.
    pub severity: Severity,
    /// The file.
    pub file: String,
    /// The line, from 1; `None` when it is about the whole file.
    pub line: Option<u32>,
    /// What exactly, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}: {}", self.file, self.code, self.message),
            None => write!(f, "{}: {}: {}", self.file, self.code, self.message),
        }
    }
}

/// What `lint` reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LintReport {
    /// Examples that were looked at.
    pub examples: u64,
    /// Findings that must be mended.
    pub errors: u64,
    /// Findings that somebody should look at.
    pub warnings: u64,
    /// Findings that the settings allow, by code: counted, not reported.
    pub allowed: BTreeMap<Code, u64>,
    /// The findings, by code, file and line.
    pub findings: Vec<Finding>,
}

impl LintReport {
    /// Adds a finding, unless its code is among those that are allowed.
    pub(super) fn add(&mut self, allowed: &[Code], code: Code, file: &str, line: Option<u32>, message: String) {
        if allowed.contains(&code) {
            *self.allowed.entry(code).or_default() += 1;
            return;
        }
        let severity = code.severity();
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        self.findings.push(Finding { code, severity, file: file.to_owned(), line, message });
    }

    /// How many findings have a code.
    pub fn count(&self, code: Code) -> usize {
        self.findings.iter().filter(|finding| finding.code == code).count()
    }
}
