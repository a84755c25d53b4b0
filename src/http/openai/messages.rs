//! From the messages of a chat to a question with what was said before it.
//!
//! May depend on `answer` (what an answer that asks back looks like) and `domain`.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    answer::offered,
    domain::{MAX_HISTORY, OutcomeKind, Turn},
    http::Problem,
};

/// A message of a chat.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Message {
    role: Role,
    /// What it says; text only.
    #[serde(default)]
    content: Option<Content>,
    /// Members that change nothing here, such as `name`: they are named in `footnote.ignored`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    others: Map<String, Value>,
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// Instructions: they change nothing here.
    System,
    /// The same.
    Developer,
    User,
    Assistant,
    /// What a tool has answered: it is no evidence here.
    Tool,
    /// The same.
    Function,
}

/// What a message says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "`content` is a text or a list of parts, each with a `type`")]
enum Content {
    /// A text.
    Text(String),
    /// A text in parts.
    Parts(Vec<Part>),
}

/// A part of a message.
#[derive(Debug, Deserialize, ToSchema)]
struct Part {
    /// `text`, or `refusal` where an assistant has declined: nothing else is read.
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

/// What a chat asks.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    /// The last message.
    pub(super) question: String,
    /// The messages before it, in turns, oldest first.
    pub(super) history: Vec<Turn>,
    /// What changes nothing.
    pub(super) ignored: Vec<String>,
}

/// Reads the messages of a chat, oldest first.
pub(super) fn asked(messages: Vec<Message>) -> Result<Asked, Problem> {
    let (mut turns, mut ignored) = (Vec::<Turn>::new(), Vec::new());
    let count = messages.len();
    for (at, Message { role, content, others }) in messages.into_iter().enumerate() {
        let text = content.map(|content| text(at, content)).transpose()?.unwrap_or_default();
        // A message that changes nothing is named as a whole.
        let is_read = role == Role::User || (role == Role::Assistant && !turns.is_empty());
        if is_read {
            let said = others.iter().filter(|(_, value)| !says_nothing(value));
            ignored.extend(said.map(|(name, _)| format!("messages[{at}].{name}")));
        }
        match role {
            Role::User => turns.push(Turn { question: text, ..Turn::default() }),
            Role::Assistant => match turns.last_mut() {
                Some(turn) if at + 1 < count => {
                    let clarify = offered(&text);
                    turn.outcome = (!clarify.is_empty()).then_some(OutcomeKind::Clarify);
                    turn.clarify = clarify;
                    turn.answer = Some(turn.answer.take().map_or_else(|| text.clone(), |before| before + "\n" + &text));
                }
                Some(_) => return Err(Problem::invalid("the last message is not a user's: nothing is asked")),
                // A greeting before anybody asked.
                None => ignored.push(format!("messages[{at}]")),
            },
            Role::System | Role::Developer | Role::Tool | Role::Function => ignored.push(format!("messages[{at}]")),
        }
    }
    let Some(Turn { question, answer: None, .. }) = turns.pop() else {
        return Err(Problem::invalid("the last message is not a user's: nothing is asked"));
    };
    if turns.len() > MAX_HISTORY {
        ignored.push(format!("the turns before the last {MAX_HISTORY}"));
        turns.drain(..turns.len() - MAX_HISTORY);
    }
    Ok(Asked { question, history: turns, ignored })
}

/// Whether a member is there for the form only: clients send back whole answers, most members of which are empty.
fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn text(at: usize, content: Content) -> Result<String, Problem> {
    let parts = match content {
        Content::Text(text) => return Ok(text),
        Content::Parts(parts) => parts,
    };
    let texts = parts.into_iter().enumerate().map(|(number, part)| match part {
        Part { kind, text: Some(text), .. } if kind == "text" => Ok(text),
        Part { kind, refusal: Some(text), .. } if kind == "refusal" => Ok(text),
        Part { kind, .. } if kind == "text" || kind == "refusal" => {
            Err(Problem::invalid(format!("messages[{at}].content[{number}] has no `{kind}`")))
        }
        Part { kind, .. } => {
            Err(Problem::invalid(format!("messages[{at}].content[{number}] is of type `{kind}`: only text is read")))
        }
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn read(messages: Value) -> Result<Asked, Problem> {
        asked(serde_json::from_value(messages).unwrap())
    }

    #[test]
    fn the_last_message_is_asked_and_those_before_it_are_turns() {
        let asked = read(json!([
            {"role": "system", "content": "Answer like a pirate."},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "How long is the leave?"},
            {"role": "assistant", "content": "Thirty days."},
            {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "in Bergen?"}]},
        ]));
        let asked = asked.unwrap();
        assert_eq!(asked.question, "And\nin Bergen?");
        assert_eq!(asked.ignored, ["messages[0]", "messages[1]"]);
        let turn =
            Turn { answer: Some("Thirty days.".into()), question: "How long is the leave?".into(), ..Turn::default() };
        assert_eq!(asked.history, [turn]);
    }

    #[test]
    fn readings_that_were_offered_can_be_chosen_from() {
        let back = "The documents answer this for several things. Which one do you mean?\n1. Norway\n2. Germany";
        let asked = read(json!([
            {"role": "user", "content": "How long is the leave?"},
            {"role": "assistant", "content": back},
            {"role": "user", "content": "the second"},
        ]));
        let turn = &asked.unwrap().history[0];
        assert_eq!(
            (turn.outcome, &turn.clarify[..]),
            (Some(OutcomeKind::Clarify), &["Norway".to_owned(), "Germany".into()][..])
        );
    }

    #[test]
    fn an_answer_may_be_sent_back_whole_and_what_of_it_is_not_read_is_named() {
        let back = json!({"role": "assistant", "content": [{"type": "refusal", "refusal": "Not held."}],
            "annotations": [], "tool_calls": null, "audio": {"id": "x"}});
        let asked = read(json!([
            {"role": "system", "content": "x", "name": "setup"},
            {"role": "user", "content": "How long is the leave?", "name": "ann"},
            back,
            {"role": "user", "content": "And in Bergen?"},
        ]));
        let asked = asked.unwrap();
        assert_eq!(asked.ignored, ["messages[0]", "messages[1].name", "messages[2].audio"]);
        assert_eq!(asked.history[0].answer.as_deref(), Some("Not held."));
    }

    #[test]
    fn a_content_of_another_kind_is_told_what_it_should_be() {
        let error = serde_json::from_value::<Message>(json!({"role": "user", "content": 7})).unwrap_err();
        assert!(error.to_string().contains("a text or a list of parts"), "{error}");
    }

    #[test]
    fn what_asks_nothing_or_is_no_text_is_refused() {
        for (messages, words) in [
            (json!([]), "nothing is asked"),
            (json!([{"role": "system", "content": "x"}]), "nothing is asked"),
            (json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]), "nothing is asked"),
            (json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]), "`image_url`"),
            (json!([{"role": "user", "content": [{"type": "text"}]}]), "content[0] has no `text`"),
        ] {
            let problem = read(messages).unwrap_err();
            assert!(problem.status == 422 && problem.detail.contains(words), "{problem:?}");
        }
    }

    #[test]
    fn of_a_long_chat_the_last_turns_are_read_and_it_is_said() {
        let turn = |number| {
            [json!({"role": "user", "content": format!("{number}?")}), json!({"role": "assistant", "content": "a"})]
        };
        let mut messages: Vec<Value> = (0..30).flat_map(turn).collect();
        messages.push(json!({"role": "user", "content": "last?"}));
        let asked = read(json!(messages)).unwrap();
        assert_eq!((asked.history.len(), asked.history[0].question.as_str()), (MAX_HISTORY, "10?"));
        assert_eq!(asked.ignored, ["the turns before the last 20"]);
    }
}
