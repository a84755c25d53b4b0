//! Runs the program on one file.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
    time::{Instant, interval, timeout},
};

use super::OcrError;
use crate::config::OcrCommand;

/// What the program is told of this process's environment: where programs are, which language is spoken, and where
/// Tesseract has its data.
const PASSED_ON: [&str; 7] = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TESSDATA_PREFIX", "OMP_THREAD_LIMIT"];
/// How much of its last words is kept.
const LAST_WORDS_BYTES: usize = 2 << 10;
/// How often is looked at what it has written.
const LOOK: Duration = Duration::from_secs(1);
/// The time in which it must be gone after it was killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// A PDF that the program made.
#[derive(Debug)]
pub(in crate::ingest::extract) struct Recognised {
    pub(in crate::ingest::extract) path: PathBuf,
    /// Holds the file.
    _folder: tempfile::TempDir,
}

/// Ends the program and all that it has started, on every way out.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // They may all be gone already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

pub(super) async fn run(
    command: &OcrCommand,
    file: &Path,
    extension: &str,
    limit: Duration,
    max_output_bytes: u64,
) -> Result<Recognised, OcrError> {
    let folder = tempfile::Builder::new().prefix("footnote-ocr-").tempdir().map_err(OcrError::Files)?;
    // Programs go by endings, and the original must not be written to.
    let input = folder.path().join(format!("input.{extension}"));
    let output = folder.path().join("output.pdf");
    tokio::fs::copy(file, &input).await.map_err(OcrError::Files)?;
    let program = command.program().to_owned();
    let mut child = start(command, &input, &output, folder.path())?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let said = [child.stdout.take().map(keep_the_end), child.stderr.take().map(keep_the_end)];

    let own = walked(folder.path()).await.map_err(OcrError::Files)?;
    let status = match timeout(limit, ended(&mut child, folder.path(), own.saturating_add(max_output_bytes))).await {
        Ok(Ok(Some(status))) => status,
        Ok(Ok(None)) => return Err(OcrError::TooLarge { program, limit: max_output_bytes }),
        Ok(Err(error)) => return Err(OcrError::Files(error)),
        Err(_) => return Err(OcrError::TimedOut { program, seconds: limit.as_secs() }),
    };
    // What it has left running holds its output open.
    drop(group);
    let said = last_words(said).await;
    if !status.success() {
        return Err(OcrError::Ended { program, how: status.to_string(), said });
    }
    if walked(folder.path()).await.map_err(OcrError::Files)? > own.saturating_add(max_output_bytes) {
        return Err(OcrError::TooLarge { program, limit: max_output_bytes });
    }
    if !is_pdf(&output).await {
        return Err(OcrError::NoOutput { program, said });
    }
    Ok(Recognised { path: output, _folder: folder })
}

fn start(command: &OcrCommand, input: &Path, output: &Path, folder: &Path) -> Result<Child, OcrError> {
    let mut child = Command::new(command.program());
    // The secrets of this process are none of its business.
    child.args(command.arguments(input, output)).env_clear().env("TMPDIR", folder).current_dir(folder);
    child.envs(PASSED_ON.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    child.spawn().map_err(|source| OcrError::Start { program: command.program().to_owned(), source })
}

/// Waits for the end; `None` when it has written too much before.
async fn ended(child: &mut Child, folder: &Path, limit: u64) -> std::io::Result<Option<std::process::ExitStatus>> {
    let mut looks = interval(LOOK);
    loop {
        tokio::select! {
            status = child.wait() => return status.map(Some),
            _ = looks.tick() => {
                if walked(folder).await? > limit {
                    return Ok(None);
                }
            }
        }
    }
}

/// The bytes of all files in a folder, which may be very many files.
async fn walked(folder: &Path) -> std::io::Result<u64> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || size_of(&folder)).await.map_err(std::io::Error::other)
}

fn size_of(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files.filter_map(|entry| entry.metadata().ok()).map(|about| about.len()).fold(0, u64::saturating_add)
}

async fn is_pdf(path: &Path) -> bool {
    let Ok(mut file) = tokio::fs::File::open(path).await else { return false };
    let mut head = [0; 5];
    file.read_exact(&mut head).await.is_ok() && head == *b"%PDF-"
}

fn keep_the_end(mut stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<Vec<u8>> {
    tokio::spawn(async move {
        let mut kept = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            kept.extend_from_slice(&buffer[..read]);
            let excess = kept.len().saturating_sub(LAST_WORDS_BYTES);
            kept.drain(..excess);
        }
        kept
    })
}

async fn last_words(streams: [Option<JoinHandle<Vec<u8>>>; 2]) -> String {
    let until = Instant::now() + EXIT_TIMEOUT;
    let mut said = String::new();
    for stream in streams.into_iter().flatten() {
        if let Ok(Ok(bytes)) = tokio::time::timeout_at(until, stream).await {
            said.push_str(&String::from_utf8_lossy(&bytes));
            said.push(' ');
        }
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A PDF of one page with nothing on it.
pub(super) fn empty_page() -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<<>>/Contents 4 0 R>>",
        "<</Length 0>>\nstream\n\nendstream",
    ];
    for (number, object) in objects.into_iter().enumerate() {
        places.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", number + 1).as_bytes());
    }
    let table = out.len();
    out.extend_from_slice(b"xref\n0 5\n0000000000 65535 f \n");
    places.iter().for_each(|place| out.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes()));
    out.extend_from_slice(format!("trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n").as_bytes());
    out
}
