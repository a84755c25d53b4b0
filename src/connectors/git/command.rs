//! Running the `git` program: its environment, its limits, and what it says when it fails.
//!
//! May depend on `config` and `disk`. Nothing that a repository holds is run: no hooks, no filters, no other protocols.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
    process::Stdio,
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, BufReader, ReadBuf},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
};

use super::super::SourceError;
use crate::{config::Secret, disk::Place};

/// How often the room on the disk is looked at while something is fetched.
const LOOK: Duration = Duration::from_millis(200);
/// How much of what Git says is kept.
const MAX_MESSAGE: u64 = 4_096;
/// Protocols that only carry bytes.
const PROTOCOLS: &str = "https:http:ssh:git:file";
/// Variables that would make Git work elsewhere than in the mirror.
const ELSEWHERE: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
];

/// Git on one mirror.
pub(super) struct Git {
    mirror: PathBuf,
    /// The setting that carries a token, and its value. In the environment: arguments can be seen by others.
    authorization: Option<(String, Secret)>,
    /// The bytes that stay free on the disk of the mirror.
    reserve: u64,
}

impl Git {
    /// On the mirror of a repository, which leaves `reserve` bytes of its disk free.
    pub(super) fn new(mirror: PathBuf, url: &str, token: Option<&Secret>, reserve: u64) -> Self {
        let authorization = token.map(|token| {
            let basic = STANDARD.encode(format!("x-access-token:{}", token.expose()));
            (format!("http.{url}.extraHeader"), Secret::new(format!("Authorization: Basic {basic}")))
        });
        Self { mirror, authorization, reserve }
    }

    /// Makes the mirror, and removes what a fetch that was killed has left in it: Git itself does so after two weeks, and
    /// one that always takes too long leaves a whole pack each time. Only one pass runs.
    pub(super) async fn make_mirror(&self, limit: Duration) -> Result<(), SourceError> {
        self.remove_unfinished().await?;
        tokio::fs::create_dir_all(&self.mirror).await.map_err(|error| self.failed(error))?;
        // Also where it is there: that changes nothing, and mends one whose making was killed.
        self.run(&["init", "--quiet", "--bare", "--template=", "."], limit).await
    }

    /// Fetches as `arguments` say. What a server sends has no end that is known before: it may not fill the disk.
    pub(super) async fn fetch(&self, arguments: &[&str], limit: Duration) -> Result<(), SourceError> {
        self.check_room().await?;
        let short = tokio::select! {
            fetched = self.run(arguments, limit) => return fetched,
            short = self.room_lost() => short,
        };
        self.remove_unfinished().await?;
        Err(short)
    }

    async fn room_lost(&self) -> SourceError {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(short) = self.check_room().await {
                return short;
            }
        }
    }

    async fn check_room(&self) -> Result<(), SourceError> {
        let place = Place { name: "mirror", path: self.mirror.clone() };
        let free = match tokio::task::spawn_blocking(move || place.free()).await {
            Ok(free) => free.map_err(|error| self.failed(error))?,
            Err(error) => return Err(self.failed(error.into())),
        };
        match free < self.reserve {
            true => Err(SourceError::Unavailable(format!(
                "it would leave {free} bytes free on the disk of {}, and {} must be (`min_free_disk_bytes`): make room, or \
                 follow a smaller repository",
                self.mirror.display(),
                self.reserve
            ))),
            false => Ok(()),
        }
    }

    async fn remove_unfinished(&self) -> Result<(), SourceError> {
        let packs = self.mirror.join("objects/pack");
        match tokio::task::spawn_blocking(move || remove_unfinished(&packs)).await {
            Ok(removed) => removed.map_err(|error| self.failed(error)),
            Err(error) => Err(self.failed(error.into())),
        }
    }

    fn failed(&self, error: std::io::Error) -> SourceError {
        SourceError::Unavailable(format!("{}: {error}", self.mirror.display()))
    }

    /// Removes the mirror: everything in it can be fetched again.
    pub(super) async fn drop_mirror(&self) -> Result<(), SourceError> {
        let dropped = tokio::fs::remove_dir_all(&self.mirror).await;
        dropped.map_err(|error| self.failed(error))
    }

    /// Runs a command to its end.
    pub(super) async fn run(&self, arguments: &[&str], limit: Duration) -> Result<(), SourceError> {
        let mut running = self.start(arguments)?;
        let work = async {
            tokio::io::copy(&mut running.output, &mut tokio::io::sink())
                .await
                .map_err(|error| SourceError::Unavailable(format!("git: {error}")))?;
            running.status().await
        };
        tokio::time::timeout(limit, work).await.map_err(|_| no_answer(limit))?
    }

    /// Starts a command whose output is read.
    pub(super) fn start(&self, arguments: &[&str]) -> Result<Running, SourceError> {
        let mut command = Command::new("git");
        for name in ELSEWHERE {
            command.env_remove(name);
        }
        command
            .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.autoDetach=false"])
            .args(["-c", "credential.interactive=false"])
            .args(arguments)
            .current_dir(&self.mirror)
            .env("GIT_DIR", &self.mirror)
            // A question would wait for nobody.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if std::env::var_os("GIT_SSH_COMMAND").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        if let Some((setting, value)) = &self.authorization {
            command
                .env("GIT_CONFIG_COUNT", "2")
                .env("GIT_CONFIG_KEY_0", setting)
                .env("GIT_CONFIG_VALUE_0", value.expose())
                // After a redirect Git sends its next request, with the token, to where that has led.
                .env("GIT_CONFIG_KEY_1", "http.followRedirects")
                .env("GIT_CONFIG_VALUE_1", "false");
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                SourceError::Unavailable("the program `git` is not installed, or its mirror is gone".to_owned())
            }
            _ => SourceError::Unavailable(format!("git could not be started: {error}")),
        })?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(SourceError::Unavailable("git was started without its pipes".to_owned()));
        };
        let message = tokio::spawn(async move {
            let (mut said, mut errors) = (Vec::new(), errors);
            // What it says is of use to a person, and nothing depends on it.
            let _ = (&mut errors).take(MAX_MESSAGE).read_to_end(&mut said).await;
            let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
            String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ")
        });
        Ok(Running { output: BufReader::new(output), child, message: Some(message) })
    }
}

/// Removes the packs in a folder that were being written.
fn remove_unfinished(packs: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(packs) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b"tmp_") {
            continue;
        }
        match std::fs::remove_file(entry.path()) {
            // What was writing it is ending only now, and has removed it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// A command that runs, and ends with this.
pub(super) struct Running {
    /// What it writes.
    pub(super) output: BufReader<ChildStdout>,
    child: Child,
    message: Option<JoinHandle<String>>,
}

impl Running {
    /// Waits for its end, whose output was read.
    pub(super) async fn ended(mut self, limit: Duration) -> Result<(), SourceError> {
        tokio::time::timeout(limit, self.status()).await.map_err(|_| no_answer(limit))?
    }

    async fn status(&mut self) -> Result<(), SourceError> {
        let status = self.child.wait().await.map_err(|error| SourceError::Unavailable(format!("git: {error}")))?;
        if status.success() {
            return Ok(());
        }
        let said = match self.message.take() {
            Some(message) => message.await.unwrap_or_default(),
            None => String::new(),
        };
        Err(SourceError::Unavailable(match said.as_str() {
            "" => format!("git ended with {status}"),
            said => format!("git: {said}"),
        }))
    }
}

impl AsyncRead for Running {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.output).poll_read(context, buffer)
    }
}

/// Why a command was given up.
pub(super) fn no_answer(limit: Duration) -> SourceError {
    SourceError::Unavailable(format!("git did not end within {} s", limit.as_secs()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        io::{BufRead as _, Write as _},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn nothing_is_fetched_that_would_fill_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let git = Git::new(dir.path().join("mirror"), "file:///nowhere", None, u64::MAX);
        git.make_mirror(Duration::from_secs(60)).await.unwrap();
        let unfinished = dir.path().join("mirror/objects/pack/tmp_pack_aBcDeF");
        std::fs::create_dir_all(unfinished.parent().unwrap()).unwrap();
        std::fs::write(&unfinished, "PACK").unwrap();
        // What a server that never ends would be: something that runs until it is stopped.
        let lost = git.room_lost().await;
        assert!(lost.is_transient() && lost.to_string().contains("min_free_disk_bytes"), "{lost}");
        let refused = git.fetch(&["fetch", "--", "file:///nowhere"], Duration::from_secs(60)).await.unwrap_err();
        assert!(refused.to_string().contains("min_free_disk_bytes"), "{refused}");
        git.remove_unfinished().await.unwrap();
        assert!(!unfinished.exists());
    }

    #[tokio::test]
    async fn a_token_is_sent_to_no_other_address() {
        let dir = tempfile::tempdir().unwrap();
        let (first, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let url = format!("http://{}/a.git", first.local_addr().unwrap());
        let to = format!("http://{}/a.git/info/refs?service=git-upload-pack", other.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (stream, _) = first.accept().unwrap();
            let lines = std::io::BufReader::new(&stream).lines().map(Result::unwrap);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let answer =
                format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).unwrap();
            head.join("\n")
        });
        let git = Git::new(dir.path().join("mirror"), &url, Some(&Secret::new("hidden-words")), 0);
        let limit = Duration::from_secs(60);
        git.make_mirror(limit).await.unwrap();
        let error = git.run(&["fetch", "--depth=1", "--", &url, "+HEAD:refs/x"], limit).await.unwrap_err();
        assert!(error.to_string().contains("302"), "{error}");
        assert!(asked.join().unwrap().contains("Authorization: Basic "), "the address itself gets it");
        other.set_nonblocking(true).unwrap();
        assert!(other.accept().is_err(), "where it leads is not asked");
    }
}
