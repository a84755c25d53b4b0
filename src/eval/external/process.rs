//! The process of a program that is measured: lines to it, lines from it, and what it said when it ended.
//!
//! May depend on tokio only.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

/// The longest line that is read.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;
/// How much is kept of what a process writes to standard error.
const LAST_WORDS_BYTES: usize = 1 << 10;
/// The time in which a process that has closed a pipe must be gone.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a line did not come.
#[derive(Debug)]
pub(crate) enum Broken {
    /// A pipe is closed.
    Ended,
    /// The line is longer than [`MAX_LINE_BYTES`].
    TooLong,
    /// It said this before it was asked.
    Unasked(Vec<u8>),
}

/// A process. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The end of its standard error, which is always read: a full pipe would stop the process.
    said: Arc<Mutex<Vec<u8>>>,
    listening: JoinHandle<()>,
}

impl Process {
    /// Starts a program with its arguments, in the environment and the folder of this one.
    pub fn start(words: &[String]) -> std::io::Result<Self> {
        let (program, arguments) = words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(std::io::Error::other("it has no pipes"));
        };
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let listening = tokio::spawn(keep_the_end(stderr, said.clone()));
        Ok(Self { child, stdin, stdout: BufReader::new(stdout), said, listening })
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Writes a line.
    pub async fn tell(&mut self, line: &[u8]) -> Result<(), Broken> {
        self.stdin.write_all(line).await.map_err(|_| Broken::Ended)?;
        self.stdin.write_all(b"\n").await.map_err(|_| Broken::Ended)
    }

    /// Writes a line and reads the one that answers it.
    pub async fn exchange(&mut self, line: &[u8]) -> Result<Vec<u8>, Broken> {
        // What is there already answers nothing, and would be taken for the reply.
        if let Some(Ok(early)) = self.stdout.fill_buf().now_or_never()
            && !early.is_empty()
        {
            return Err(Broken::Unasked(early.to_vec()));
        }
        self.tell(line).await?;
        let mut said = Vec::new();
        let read = (&mut self.stdout).take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut said).await;
        match (read, said.pop()) {
            (Ok(_), Some(b'\n')) => Ok(said),
            (Ok(_), Some(_)) if said.len() >= MAX_LINE_BYTES => Err(Broken::TooLong),
            _ => Err(Broken::Ended),
        }
    }

    /// Ends it, and says how it ended and what it had written to standard error last.
    pub async fn end(mut self) -> (String, String) {
        let how = match timeout(EXIT_TIMEOUT, self.child.wait()).await {
            Ok(Ok(status)) => format!("ended ({status})"),
            _ => "closed a pipe".to_owned(),
        };
        let _ = self.child.start_kill();
        let _ = timeout(EXIT_TIMEOUT, self.listening).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        (how, String::from_utf8_lossy(&said).trim().to_owned())
    }
}

/// Reads a stream to its end and keeps the last of it.
async fn keep_the_end(mut stream: ChildStderr, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..read]);
        let excess = kept.len().saturating_sub(LAST_WORDS_BYTES);
        kept.drain(..excess);
    }
}
