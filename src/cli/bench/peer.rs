//! Another program that does the same work, one line of JSON each.
//!
//! | | To the program | From the program |
//! |---|---|---|
//! | `bench generate` | `{"messages": [{"role", "content"}], "max_tokens"}` | `{"prompt_tokens", "prompt_ms", "completion_tokens", "completion_ms"}` |
//! | `bench ask`, once | `{"passages": [TEXT, …]}` | `{"passages": NUMBER}` |
//! | `bench ask`, then | `{"question": TEXT}` | `{"answer": TEXT}` |
//!
//! `benches/llama_cpp.py` and `benches/python_rag.py` are such programs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{
    eval::external::process::Process,
    models::generator::{Message, Role},
};

/// The time for one reply, loading the model included.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A program that is measured beside ours.
pub struct Peer {
    /// `None` after it has failed.
    process: Option<Process>,
}

#[derive(Serialize)]
struct Asked<'a> {
    messages: Vec<Said<'a>>,
    max_tokens: u32,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: &'a str,
}

/// What a conversation took the program, as it says.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerTimed {
    /// Tokens of the prompt that it read.
    pub prompt_tokens: u32,
    /// Milliseconds for them.
    pub prompt_ms: f64,
    /// Tokens that it wrote.
    pub completion_tokens: u32,
    /// Milliseconds for them.
    pub completion_ms: f64,
}

impl Peer {
    /// Starts the program of a command line, whose words are taken apart as a shell does it.
    pub fn start(command: &str) -> anyhow::Result<Self> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| anyhow!("{command:?} is no command: close every quotation mark"))?;
        let process = Process::start(&words).with_context(|| format!("cannot start `{command}`"))?;
        Ok(Self { process: Some(process) })
    }

    /// One conversation.
    pub async fn time(&mut self, messages: &[Message], max_tokens: u32) -> anyhow::Result<PeerTimed> {
        let said = messages.iter().map(|message| Said { role: role(message.role), content: &message.content });
        let timed: PeerTimed = self.exchange(&Asked { messages: said.collect(), max_tokens }).await?;
        let sound = |milliseconds: f64| milliseconds.is_finite() && milliseconds >= 0.0;
        ensure!(sound(timed.prompt_ms) && sound(timed.completion_ms), "the peer gave no times: {timed:?}");
        Ok(timed)
    }

    /// Gives it the passages in which it finds its answers.
    pub async fn learn(&mut self, passages: &[String]) -> anyhow::Result<()> {
        let Learned { passages: taken } = self.exchange(&Taught { passages }).await?;
        ensure!(taken == passages.len(), "the peer took {taken} of {} passages", passages.len());
        Ok(())
    }

    /// One question: how long the answer took.
    pub async fn ask(&mut self, question: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let Answered { .. } = self.exchange(&Question { question }).await?;
        Ok(begun.elapsed())
    }

    async fn exchange<R: DeserializeOwned>(&mut self, said: &impl Serialize) -> anyhow::Result<R> {
        let line = serde_json::to_vec(said)?;
        let mut process = self.process.take().context("the peer has failed before")?;
        let reply = timeout(TIMEOUT, process.exchange(&line)).await.context("the peer did not reply in time")?;
        let reply = match reply {
            Ok(reply) => reply,
            Err(broken) => {
                let (how, said) = process.end().await;
                bail!(
                    "the peer did not reply with a line ({broken:?}) and {how}; the end of its standard error: {said}"
                );
            }
        };
        self.process = Some(process);
        serde_json::from_slice(&reply).with_context(|| format!("the peer said {:?}", String::from_utf8_lossy(&reply)))
    }
}

#[derive(Serialize)]
struct Taught<'a> {
    passages: &'a [String],
}

#[derive(Deserialize)]
struct Learned {
    passages: usize,
}

#[derive(Serialize)]
struct Question<'a> {
    question: &'a str,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(rename = "answer")]
    _answer: String,
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn ask(script: &str) -> anyhow::Result<PeerTimed> {
        let mut peer = Peer::start(&format!("sh -c {}", shlex::try_quote(script)?))?;
        peer.time(&[Message::new(Role::User, "who?")], 7).await
    }

    #[tokio::test]
    async fn a_peer_is_asked_in_a_line_and_says_how_long_it_took() {
        let said = r#"read line; case "$line" in *'"role":"user","content":"who?"'*'"max_tokens":7'*) echo
            '{"prompt_tokens":9,"prompt_ms":3.5,"completion_tokens":7,"completion_ms":2}';; esac"#;
        let timed = ask(&said.replace("echo\n            ", "echo ")).await.unwrap();
        assert_eq!((timed.prompt_tokens, timed.prompt_ms), (9, 3.5));
        assert_eq!((timed.completion_tokens, timed.completion_ms), (7, 2.0));
    }

    #[tokio::test]
    async fn a_peer_that_ends_or_says_something_else_is_an_error_that_tells_why() {
        for (script, word) in [
            ("read line; echo 'no model' >&2; exit 3", "no model"),
            ("read line; echo hello", "hello"),
            (
                "read line; echo '{\"prompt_tokens\":1,\"prompt_ms\":-1,\"completion_tokens\":1,\"completion_ms\":1}'",
                "no times",
            ),
        ] {
            let error = format!("{:#}", ask(script).await.unwrap_err());
            assert!(error.contains(word), "{script}: {error}");
        }
        assert!(Peer::start("'open").is_err() && Peer::start("no-such-program-anywhere").is_err());
    }
}
