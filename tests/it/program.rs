//! The real binary, as a user starts it: on a data directory of the test's own, with nothing of the user's set.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use footnote::config::Settings;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::test_app::{PATIENCE, model_files};

/// The binary, and what is set for it.
#[derive(Clone)]
pub struct Program {
    data_dir: PathBuf,
    environment: Vec<(String, PathBuf)>,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A program that runs. It is killed when this is dropped.
pub struct Started {
    child: Child,
    stderr: JoinHandle<String>,
}

/// `footnote serve`, ready for requests.
pub struct Served {
    pub url: String,
    child: Child,
    /// What it has logged, at its end.
    log: JoinHandle<String>,
}

impl Program {
    /// The program on this data directory, with all models there.
    pub async fn new(data_dir: &Path) -> Self {
        Self::with_models_in(data_dir, &model_files().await)
    }

    /// The same with another directory of model files.
    pub fn with_models_in(data_dir: &Path, models_dir: &Path) -> Self {
        let environment = vec![
            ("FOOTNOTE_DATA_DIR".to_owned(), data_dir.to_owned()),
            ("FOOTNOTE_MODELS_DIR".to_owned(), models_dir.to_owned()),
            ("FOOTNOTE_LISTEN".to_owned(), "127.0.0.1:0".into()),
        ];
        Self { data_dir: data_dir.to_owned(), environment }
    }

    /// Sets a variable.
    pub fn set(mut self, name: &str, value: impl Into<PathBuf>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        std::fs::create_dir_all(&self.data_dir).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_footnote"));
        for (_, variable) in Settings::KEYS {
            command.env_remove(variable);
        }
        // In the data directory lies no footnote.toml.
        command.env_remove("FOOTNOTE_CONFIG").current_dir(&self.data_dir).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ended {
        let output = timeout(PATIENCE, self.command(arguments).output()).await.expect("the program ends").unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command whose results go there; returns its code, and what it said beside them.
    pub async fn run_into<S: AsRef<OsStr>>(&self, arguments: &[S], out: impl Into<Stdio>) -> (Option<i32>, String) {
        let running = self.command(arguments).stdout(out).spawn().unwrap();
        let output = timeout(PATIENCE, running.wait_with_output()).await.expect("the program ends").unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// Starts a command.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Started {
        let mut child = self.command(arguments).stdout(Stdio::null()).spawn().unwrap();
        let stderr = tokio::spawn(read_all(child.stderr.take().unwrap()));
        Started { child, stderr }
    }

    /// Starts `serve`, and waits until it takes requests.
    pub async fn serve(&self) -> Served {
        self.try_serve(&["serve"]).await.unwrap_or_else(|log| panic!("no server: {log}"))
    }

    /// Starts `serve` with arguments, and waits until it takes requests; what it logged when it ends before that.
    pub async fn try_serve<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Served, String> {
        let mut child = self.command(arguments).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = String::new();
        let url = timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await.unwrap() {
                log.push_str(&line);
                log.push('\n');
                // In a line for a person it stands alone, and in one for a program it is the message.
                if let Some((_, url)) = line.split_once("serving on ") {
                    return url.split('"').next().map(str::to_owned);
                }
            }
            None
        });
        let Some(url) = url.await.expect("the server starts in time") else { return Err(log) };
        let log = tokio::spawn(async move { log + &read_all(lines.into_inner()).await });
        Ok(Served { url, child, log })
    }
}

impl Ended {
    /// What was printed, as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Started {
    pub fn id(&self) -> u32 {
        self.child.id().expect("the program runs")
    }

    /// Kills the program as `kill -9` does; it must still be running.
    pub async fn kill(mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the program ended before it was killed: {status}: {}", self.stderr.await.unwrap());
        }
        self.child.kill().await.unwrap();
    }
}

impl Served {
    pub fn id(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// Kills the server as `kill -9` does.
    pub async fn kill(mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the server ended before it was killed");
        self.child.kill().await.unwrap();
    }

    /// Waits at most so long for the server to end by itself, kills it otherwise, and returns whether it did and its log.
    pub async fn ends_within(mut self, patience: Duration) -> (bool, String) {
        let by_itself = timeout(patience, self.child.wait()).await.is_ok();
        if !by_itself {
            self.child.kill().await.unwrap();
        }
        (by_itself, self.log.await.unwrap())
    }

    /// Asks the server to stop, and waits until it has; returns its exit code and its log.
    pub async fn terminate(mut self, patience: Duration) -> (Option<i32>, String) {
        let id = self.child.id().expect("the server runs").to_string();
        let asked = std::process::Command::new("sh").args(["-c", &format!("kill -TERM {id}")]).status().unwrap();
        assert!(asked.success());
        let status = timeout(patience, self.child.wait()).await.expect("the server stops in time").unwrap();
        (status.code(), self.log.await.unwrap())
    }
}

async fn read_all(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
