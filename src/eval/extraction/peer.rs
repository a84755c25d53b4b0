//! Another program that reads files, measured beside ours: one line of JSON for each file.
//!
//! `{"file": PATH, "output": PATH}` asks it to write the Markdown of a file to the second path, and it replies `{}` or
//! `{"error": WHY}`. A program that ends, writes anything else or takes too long has not read the file; the next file
//! gets a fresh process. `benches/extraction_peers.py` is such a program.
//!
//! May depend on `eval::external::process`.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::data;
use crate::eval::external::process::Process;

/// The time for one file, loading the program's libraries included.
const TIMEOUT: Duration = Duration::from_secs(300);
/// After so many starts without a reply the program is taken to be broken.
const MAX_STARTS: usize = 3;

/// Why a program cannot be measured at all.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Neither NAME=COMMAND, nor words that a shell would take apart.
    #[error("{0:?} names no peer: write NAME=COMMAND, and close every quotation mark")]
    Spelling(String),
    /// It does not start.
    #[error("cannot start the peer {0} (`{1}`): {2}")]
    Start(String, String, std::io::Error),
    /// It started and never replied.
    #[error("the peer {0} gave no reply after {MAX_STARTS} starts in a row; the last time it {1}")]
    NoReply(String, String),
}

impl PeerError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// A program that is measured beside ours.
pub struct ReadingPeer {
    /// What it is called in the report.
    pub name: String,
    command: String,
    words: Vec<String>,
    /// `None` before the first file and after a failure.
    process: Option<Process>,
    starts_without_reply: usize,
}

#[derive(Serialize)]
struct Asked<'a> {
    file: &'a Path,
    output: &'a Path,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    error: Option<String>,
}

impl ReadingPeer {
    /// The program of `NAME=COMMAND`, whose words are taken apart as a shell does it. Starts nothing yet.
    pub fn named(argument: &str) -> Result<Self, PeerError> {
        let wrong = || PeerError::Spelling(argument.to_owned());
        let (name, command) = argument.split_once('=').ok_or_else(wrong)?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let words = shlex::split(command).filter(|words| is_name && !words.is_empty()).ok_or_else(wrong)?;
        let (name, command) = (name.to_owned(), command.to_owned());
        Ok(Self { name, command, words, process: None, starts_without_reply: 0 })
    }

    /// The Markdown that it makes of a file, which it writes to `output`; or why it made none.
    pub async fn read(&mut self, file: &Path, output: &Path) -> Result<Result<String, String>, PeerError> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => Process::start(&self.words)
                .map_err(|error| PeerError::Start(self.name.clone(), self.command.clone(), error))?,
        };
        let line = match serde_json::to_vec(&Asked { file, output }) {
            Ok(line) => line,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let failed = match timeout(TIMEOUT, process.exchange(&line)).await {
            Ok(Ok(reply)) => match serde_json::from_slice::<Reply>(&reply) {
                Ok(reply) => {
                    self.process = Some(process);
                    self.starts_without_reply = 0;
                    return Ok(match reply.error {
                        Some(error) => Err(error),
                        None => data::read_text(output).map_err(|error| error.to_string()),
                    });
                }
                Err(_) => format!("replied with {:?}", String::from_utf8_lossy(&reply)),
            },
            Ok(Err(broken)) => {
                let (how, said) = process.end().await;
                format!("did not reply ({broken:?}) and {how}; the end of its standard error: {said}")
            }
            Err(_) => format!("did not reply within {} s", TIMEOUT.as_secs()),
        };
        self.starts_without_reply += 1;
        if self.starts_without_reply >= MAX_STARTS {
            return Err(PeerError::NoReply(self.name.clone(), failed));
        }
        Ok(Err(failed))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Writes the name of the format, fails on what is called broken and dies of what is called deadly.
    const SCRIPT: &str = r#"while read -r line; do
        output=$(printf %s "$line" | sed 's/.*"output":"\([^"]*\)".*/\1/')
        case "$line" in
            *'"file":"/in/broken"'*) echo '{"error":"it is broken"}';;
            *'"file":"/in/deadly"'*) echo 'no memory' >&2; exit 3;;
            *'"file":"/in/lost"'*) echo '{}';;
            *) echo 'read' > "$output"; echo '{}';;
        esac
    done"#;

    fn peer(script: &str) -> ReadingPeer {
        ReadingPeer::named(&format!("one=sh -c {}", shlex::try_quote(script).unwrap())).unwrap()
    }

    #[tokio::test]
    async fn a_file_that_a_peer_cannot_read_is_told_and_the_next_one_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut peer = peer(SCRIPT);
        for (file, expected) in [
            ("/in/good", Ok("read\n")),
            ("/in/broken", Err("it is broken")),
            ("/in/deadly", Err("no memory")),
            ("/in/good", Ok("read\n")),
            ("/in/lost", Err("cannot read")),
        ] {
            let output = dir.path().join("output");
            let _ = std::fs::remove_file(&output);
            let read = peer.read(Path::new(file), &output).await.unwrap();
            match (&read, expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{file}"),
                (Err(why), Err(word)) => assert!(why.contains(word), "{file}: {why}"),
                _ => panic!("{file}: {read:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_peer_that_never_replies_ends_the_measurement() {
        let mut peer = peer("exit 1");
        let mut ends = Vec::new();
        for _ in 0..MAX_STARTS {
            ends.push(peer.read(Path::new("/in/good"), Path::new("/none/output")).await);
        }
        assert!(ends[0].as_ref().is_ok_and(Result::is_err) && matches!(ends[2], Err(PeerError::NoReply(..))));
        assert!(["", "=sh", "a=", "a b=sh", "a=sh '"].iter().all(|wrong| ReadingPeer::named(wrong).is_err()));
    }
}
