//! Another system on the same suites: a program of any kind that reads questions on its standard input and answers them
//! on its standard output, a line of JSON each (see `protocol`).
//!
//! One process serves the whole run, one question at a time. A question to which it does not reply as it should has
//! failed, and the next one gets a fresh process: what the old one says late would be taken for the reply to another
//! question. The process is not in its place while it answers, so giving a question up ends it too.
//!
//! May depend on `eval::answerer`, `eval::corpus`, `eval::prediction`, `domain::text` and tokio.

pub(crate) mod process;
mod protocol;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::Mutex, time::timeout};

use super::{
    answerer::{Answerer, AnswererError, Asked, Reply},
    corpus::Corpus,
};
use process::{Broken, MAX_LINE_BYTES, Process};
use protocol::ReplyLine;

/// After so many starts without an answer in between, the program is not started again.
const STARTS: u32 = 5;
/// The time in which the program must have taken the documents of an open suite: it may have to embed them.
const DOCUMENTS_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Why a program did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// The command is empty, or a quotation mark in it is never closed.
    #[error("{0:?} is no command: give a program and its arguments, and close every quotation mark")]
    NoCommand(String),
    /// There is no such program, or it may not be run.
    #[error("cannot start `{0}`: {1}")]
    Start(String, std::io::Error),
    /// A line could not be written as JSON.
    #[error("cannot write a line for the program: {0}")]
    Line(#[from] serde_json::Error),
    /// It ended, or closed its standard input or output.
    #[error("the program did not reply and {how}{}", last_words(.said))]
    Ended {
        /// Its exit status.
        how: String,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// It said something else than a reply.
    #[error(
        "the program said {line:?}, which is no reply: {reason}; it must print nothing else to its standard output"
    )]
    Nonsense {
        /// The beginning of what it said.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A line that never ends.
    #[error("the program said a line of more than {MAX_LINE_BYTES} bytes, which is no reply")]
    TooLong,
    /// A footnote that points nowhere.
    #[error("the reply breaks the contract: {0}")]
    Citation(String),
    /// The documents of an open suite were not taken in time.
    #[error("the program did not say within {0:?} that it has taken the documents")]
    Documents(Duration),
    /// It was started often enough.
    #[error(
        "the program was started {STARTS} times without a single answer and is not started again; the questions that \
         failed before this one say why"
    )]
    GivenUp,
}

impl ExternalError {
    /// Whether the same question may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Documents(_))
    }
}

impl From<ExternalError> for AnswererError {
    fn from(error: ExternalError) -> Self {
        Self { message: error.to_string(), transient: error.is_transient() }
    }
}

fn last_words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!("; the end of its standard error: {said}") }
}

/// A program that answers.
pub struct External {
    /// The program and its arguments.
    words: Vec<String>,
    /// The documents of an open suite.
    corpus: Option<Arc<Corpus>>,
    documents_timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    /// The starts since the last answer.
    fruitless: u32,
}

impl External {
    /// The program of a command line, whose words are taken apart as a shell does it; no shell is involved. With a
    /// corpus it gets those documents, and no passages with the questions.
    pub fn new(command: &str, corpus: Option<Arc<Corpus>>) -> Result<Self, ExternalError> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| ExternalError::NoCommand(command.to_owned()))?;
        Ok(Self { words, corpus, documents_timeout: DOCUMENTS_TIMEOUT, state: Mutex::default() })
    }

    /// The process that is there and alive, or a fresh one that has taken the documents.
    async fn running(&self, state: &mut State) -> Result<Process, ExternalError> {
        if let Some(mut process) = state.process.take()
            && process.is_alive()
        {
            return Ok(process);
        }
        if state.fruitless == STARTS {
            return Err(ExternalError::GivenUp);
        }
        state.fruitless += 1;
        let process = Process::start(&self.words).map_err(|error| ExternalError::Start(self.words.join(" "), error))?;
        let Some(corpus) = &self.corpus else { return Ok(process) };
        let given = timeout(self.documents_timeout, give_documents(process, corpus)).await;
        given.unwrap_or(Err(ExternalError::Documents(self.documents_timeout)))
    }
}

#[async_trait]
impl Answerer for External {
    async fn prepare(&self) -> Result<(), AnswererError> {
        let mut state = self.state.lock().await;
        let process = self.running(&mut state).await?;
        state.process = Some(process);
        Ok(())
    }

    async fn answer(&self, asked: &Asked) -> Result<Reply, AnswererError> {
        let line = protocol::question(asked).map_err(ExternalError::from)?;
        let mut state = self.state.lock().await;
        let mut process = self.running(&mut state).await?;
        let said = match process.exchange(&line).await {
            Ok(said) => said,
            Err(broken) => return Err(failure(process, broken).await.into()),
        };
        let reply: ReplyLine = serde_json::from_slice(&said).map_err(|error| nonsense(&said, error.to_string()))?;
        // A reply with a wrong footnote is one all the same: the next line will be the reply to the next question.
        (state.process, state.fruitless) = (Some(process), 0);
        let reply = protocol::reply(reply, asked, self.corpus.as_deref()).map_err(ExternalError::Citation)?;
        Ok(reply)
    }
}

/// Sends the documents, and waits until the program says that it has taken them.
async fn give_documents(mut process: Process, corpus: &Corpus) -> Result<Process, ExternalError> {
    for document in &corpus.documents {
        let line = protocol::document(&document.name, &document.text)?;
        if let Err(broken) = process.tell(&line).await {
            return Err(failure(process, broken).await);
        }
    }
    let count = corpus.documents.len();
    let said = match process.exchange(&protocol::documents(count)?).await {
        Ok(said) => said,
        Err(broken) => return Err(failure(process, broken).await),
    };
    match protocol::taken(&said) {
        Ok(taken) if taken == count => Ok(process),
        Ok(_) => Err(nonsense(&said, format!("it was given {count} documents"))),
        Err(error) => Err(nonsense(&said, error.to_string())),
    }
}

/// What became of a process that did not reply.
async fn failure(process: Process, broken: Broken) -> ExternalError {
    match broken {
        Broken::Ended => {
            let (how, said) = process.end().await;
            ExternalError::Ended { how, said }
        }
        Broken::TooLong => ExternalError::TooLong,
        Broken::Unasked(said) => nonsense(&said, "nothing had been asked".to_owned()),
    }
}

fn nonsense(said: &[u8], reason: String) -> ExternalError {
    let text = String::from_utf8_lossy(said);
    let mut line: String = text.chars().take(200).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    ExternalError::Nonsense { line, reason }
}

#[cfg(test)]
mod tests;
