//! Feedback: what somebody says about an answer, kept with the trace of it.
//!
//! May depend on the other modules of `domain` only.

use std::{collections::BTreeSet, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AnswerId, AnswerTrace, ConversationId, DocumentId, FeedbackId, OutcomeKind, personal_data::PersonalKind};

/// The most code points of a comment, and of a better answer.
pub const MAX_FEEDBACK_CODE_POINTS: usize = 4_000;

/// What is said about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is right: the answer and its sources, the abstention, or the readings that were offered.
    Right,
    /// It is wrong.
    Wrong,
    /// It is right, but what it cites does not carry it.
    WrongSource,
    /// The documents hold the answer, and it was not given.
    ShouldHaveAnswered,
    /// The documents do not hold the answer, and one was given.
    ShouldHaveAbstained,
    /// There is a better one: it comes with the feedback.
    BetterAnswer,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Right,
        Self::Wrong,
        Self::WrongSource,
        Self::ShouldHaveAnswered,
        Self::ShouldHaveAbstained,
        Self::BetterAnswer,
    ];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::WrongSource => "wrong_source",
            Self::ShouldHaveAnswered => "should_have_answered",
            Self::ShouldHaveAbstained => "should_have_abstained",
            Self::BetterAnswer => "better_answer",
        }
    }

    /// `Err` with the reason when it cannot be said about what ended so.
    pub fn check(self, outcome: OutcomeKind) -> Result<(), String> {
        use OutcomeKind::{Abstained, Answered, Blocked, Clarify, Partial};
        let fits = match self {
            Self::Right | Self::Wrong | Self::BetterAnswer => true,
            Self::WrongSource => matches!(outcome, Answered | Partial),
            Self::ShouldHaveAnswered => matches!(outcome, Abstained | Partial | Clarify | Blocked),
            Self::ShouldHaveAbstained => matches!(outcome, Answered | Partial | Clarify),
        };
        match fits {
            true => Ok(()),
            false => {
                Err(format!("`{}` cannot be said about an answer that ended as `{}`", self.as_str(), outcome.as_str()))
            }
        }
    }

    /// `Err` with the reason when it does not go with a better answer, or with none.
    pub fn check_better_answer(self, given: bool) -> Result<(), String> {
        match self {
            Self::BetterAnswer if !given => {
                Err("`better_answer` needs the better answer itself: fill it in".to_owned())
            }
            Self::Right | Self::ShouldHaveAbstained if given => {
                Err(format!("what is `{}` has no better answer: leave `better_answer` out", self.as_str()))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = Self::ALL.map(Self::as_str);
        let found = Self::ALL.into_iter().find(|verdict| verdict.as_str() == word);
        found.ok_or_else(|| format!("there is no verdict `{word}`: use one of {}", all.join(", ")))
    }
}

/// What somebody said about an answer, with the trace of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
    /// Its identifier.
    pub id: FeedbackId,
    /// The answer that it is about. Of one answer the last feedback stands.
    pub answer_id: AnswerId,
    /// The conversation that the answer was given in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Where the answer was looked for.
    pub collection: String,
    /// What is said.
    pub verdict: Verdict,
    /// What should have been answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better_answer: Option<String>,
    /// What else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The kinds of personal data and secrets that were blacked out in both, each character by `█`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub redacted: BTreeSet<PersonalKind>,
    /// Who said it: the id of an API key, `configured`, or `local` for who needed none.
    pub given_by: String,
    /// When.
    pub given_at: DateTime<Utc>,
    /// What the answer came from.
    pub trace: AnswerTrace,
}

impl Feedback {
    /// Takes out what rests on documents that are gone. The comment and the better answer go as a whole: what of them
    /// quotes which document is not known.
    pub fn take_out(&mut self, gone: &BTreeSet<DocumentId>) {
        if gone.is_empty() {
            return;
        }
        self.trace.take_out(gone);
        self.comment = None;
        self.better_answer = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read_back() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.as_str().parse(), Ok(verdict));
            assert_eq!(serde_json::to_value(verdict).ok(), Some(serde_json::json!(verdict.as_str())));
        }
        assert!("good".parse::<Verdict>().is_err_and(|why| why.contains("right, wrong, wrong_source")));
    }

    #[test]
    fn a_verdict_goes_with_the_outcome_and_with_what_comes_beside_it() {
        assert!(Verdict::ShouldHaveAnswered.check(OutcomeKind::Answered).is_err());
        assert!(Verdict::ShouldHaveAbstained.check(OutcomeKind::Abstained).is_err());
        assert!(Verdict::WrongSource.check(OutcomeKind::Abstained).is_err_and(|why| why.contains("`abstained`")));
        for outcome in [OutcomeKind::Answered, OutcomeKind::Abstained, OutcomeKind::Clarify, OutcomeKind::Blocked] {
            assert_eq!((Verdict::Right.check(outcome), Verdict::Wrong.check(outcome)), (Ok(()), Ok(())));
        }
        assert!(Verdict::BetterAnswer.check_better_answer(false).is_err());
        assert!(Verdict::Right.check_better_answer(true).is_err());
        assert_eq!(Verdict::Wrong.check_better_answer(true), Ok(()));
        assert_eq!(Verdict::Wrong.check_better_answer(false), Ok(()));
    }
}
