//! The parent's side of the sandbox: parsers run in child processes, so that a file which makes its parser
//! panic, loop or swell ends its own job with a reason, and nothing more.
//!
//! A child serves many files, one at a time; after any failure it is thrown away. Each has a limit on its
//! memory, each file a limit on its time.
//!
//! May depend on `domain` only.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

use super::{
    ExtractError, ExtractLimits,
    child::Request,
    ocr::{self, Ocr, OcrError},
    pictures,
};
use crate::domain::ExtractedDocument;

/// How the children are run.
#[derive(Debug, Clone)]
pub struct ExtractorConfig {
    /// The program that serves extraction requests: this one.
    pub program: PathBuf,
    /// What makes it do so: the hidden subcommand that calls [`super::run_child`].
    pub args: Vec<String>,
    /// The most time that one file may take.
    pub timeout: Duration,
    /// The most memory (address space) that a child may use.
    pub memory_limit_bytes: u64,
    /// The bounds that each file is read within.
    pub limits: ExtractLimits,
    /// How many files a child serves before a fresh one takes over.
    pub files_per_child: usize,
    /// How many children work at the same time.
    pub children: usize,
    /// What reads the words in pictures, if anything does.
    pub ocr: Option<Ocr>,
}

impl ExtractorConfig {
    /// The defaults over a program and its arguments.
    pub fn new(program: impl Into<PathBuf>, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            timeout: Duration::from_secs(45),
            memory_limit_bytes: 2 << 30,
            limits: ExtractLimits::default(),
            files_per_child: 200,
            children: 2,
            ocr: None,
        }
    }
}

/// Extracts files in child processes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Extractor {
    config: Arc<ExtractorConfig>,
    places: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Worker>>>,
}

/// How much of a child's last words is kept.
const LAST_WORDS_BYTES: usize = 8 << 10;
/// The time in which a child that was killed or has closed its output must be gone.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

impl Extractor {
    /// Starts no child yet: the first file does.
    pub fn new(config: ExtractorConfig) -> Self {
        let places = Arc::new(Semaphore::new(config.children.max(1)));
        Self { config: Arc::new(config), places, idle: Arc::default() }
    }

    /// Reads the file at `path`, which was uploaded as `name`. Waits for a free child first. Where it holds only pictures,
    /// in whole or on some pages, and text recognition is set up, what that finds takes their place.
    pub async fn extract(&self, path: &Path, name: &str) -> Result<ExtractedDocument, ExtractError> {
        match (self.parse(path, name).await, &self.config.ocr) {
            (Ok(document), _) if document.picture_pages.is_empty() => Ok(document),
            (Ok(mut document), Some(ocr)) => {
                let recognised = self.recognise(ocr, path, "pdf").await;
                match recognised.and_then(|found| ocr::merged(&document, &found, &self.config.limits)) {
                    Ok(merged) => Ok(merged),
                    Err(error) if error.is_transient() => Err(error),
                    // The other pages have words.
                    Err(error) => {
                        let unread = pictures::unread_pages(&document.picture_pages);
                        document.warnings.push(format!("{unread}: {error}"));
                        Ok(document)
                    }
                }
            }
            (Ok(mut document), None) => {
                let unread = pictures::unread_pages(&document.picture_pages);
                document
                    .warnings
                    .push(format!("{unread}; set `ocr_command` to have them read by text recognition (OCR)"));
                Ok(document)
            }
            (Err(ExtractError::OnlyPictures { what, extension }), Some(ocr)) => {
                match self.recognise(ocr, path, &extension).await {
                    Ok(document) => Ok(ocr::as_picture(document, &extension)),
                    Err(ExtractError::OnlyPictures { .. } | ExtractError::NoText { .. }) => {
                        Err(ExtractError::NoText { reason: format!("text recognition found no words in {what}") })
                    }
                    Err(error) => Err(error),
                }
            }
            (Err(error), _) => Err(error),
        }
    }

    /// What text recognition makes of a file.
    async fn recognise(&self, ocr: &Ocr, path: &Path, extension: &str) -> Result<ExtractedDocument, ExtractError> {
        let recognised = ocr.recognise(path, extension).await.map_err(|error| match error {
            OcrError::Files(error) => unavailable(error),
            other => ExtractError::Ocr { reason: other.to_string() },
        })?;
        self.parse(&recognised.path, "recognised.pdf").await
    }

    /// Has a child read a file.
    async fn parse(&self, path: &Path, name: &str) -> Result<ExtractedDocument, ExtractError> {
        let _place = self.places.acquire().await.map_err(unavailable)?;
        loop {
            let mut worker = self.worker()?;
            let is_fresh = worker.served == 0;
            // Dropped on every way out but the good one, which kills the child: also when this future is dropped.
            let answer = match timeout(self.config.timeout, worker.serve(&self.config, path, name)).await {
                Err(_) => {
                    worker.kill().await;
                    return Err(ExtractError::TimedOut { seconds: self.config.timeout.as_secs() });
                }
                Ok(Err(Broken::Child)) => {
                    return Err(ExtractError::Crashed { reason: worker.last_words(&self.config).await });
                }
                Ok(Err(Broken::Request(reason))) => {
                    worker.kill().await;
                    return Err(ExtractError::Unavailable { reason });
                }
                Ok(Ok(answer)) => answer,
            };
            let failed = matches!(answer, Err(ExtractError::Crashed { .. } | ExtractError::Unavailable { .. }));
            if !failed && worker.served < self.config.files_per_child {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                return answer;
            }
            worker.kill().await;
            // What earlier files have left of its memory may not hold as much as a thread: a fresh one has all of it.
            if is_fresh || !matches!(answer, Err(ExtractError::Unavailable { .. })) {
                return answer;
            }
        }
    }

    /// A child that waits for work and is still alive, or a fresh one.
    fn worker(&self) -> Result<Worker, ExtractError> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut worker) = idle else { return Worker::start(&self.config) };
            if worker.is_alive() {
                return Ok(worker);
            }
        }
    }
}

/// Why a child gave no answer.
enum Broken {
    /// It died or talked nonsense.
    Child,
    /// The request could not be written down.
    Request(String),
}

#[derive(Debug)]
struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<Vec<u8>>,
    served: usize,
}

impl Worker {
    fn start(config: &ExtractorConfig) -> Result<Self, ExtractError> {
        // Parsers need nothing from the environment, and the secrets in it are none of their business.
        let mut child = Command::new(&config.program)
            .args(&config.args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| unavailable(format_args!("{}: {error}", config.program.display())))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(unavailable("the child has no pipes"));
        };
        let stderr = tokio::spawn(keep_the_end(stderr));
        Ok(Self { child, stdin, stdout: BufReader::new(stdout), stderr, served: 0 })
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    async fn serve(
        &mut self,
        config: &ExtractorConfig,
        path: &Path,
        name: &str,
    ) -> Result<Result<ExtractedDocument, ExtractError>, Broken> {
        let token = Uuid::now_v7().simple().to_string();
        let request = Request {
            token: token.clone(),
            path: path.to_owned(),
            name: name.to_owned(),
            limits: config.limits.clone(),
            memory_limit_bytes: config.memory_limit_bytes,
            deadline: config.timeout + EXIT_TIMEOUT,
        };
        let mut line = serde_json::to_string(&request).map_err(|error| Broken::Request(error.to_string()))?;
        line.push('\n');
        self.served += 1;
        self.stdin.write_all(line.as_bytes()).await.map_err(|_| Broken::Child)?;
        // Escapes make the text at most six times as long; structure and stray prints come on top.
        let mut rest = (config.limits.max_text_bytes as u64).saturating_mul(8).saturating_add(16 << 20);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut self.stdout).take(rest).read_until(b'\n', &mut line).await.map_err(|_| Broken::Child)?;
            rest -= read as u64;
            if read == 0 {
                return Err(Broken::Child);
            }
            if let Some(json) = line.strip_prefix(token.as_bytes()) {
                return serde_json::from_slice(json).map_err(|_| Broken::Child);
            }
        }
    }

    async fn kill(mut self) {
        let _ = self.child.start_kill();
        // Reaped here, or by the runtime once it is gone.
        let _ = timeout(EXIT_TIMEOUT, self.child.wait()).await;
    }

    /// What can be said of a child that died: its signal, and what it printed last.
    async fn last_words(mut self, config: &ExtractorConfig) -> String {
        let status = timeout(EXIT_TIMEOUT, self.child.wait()).await;
        let _ = self.child.start_kill();
        let said = match timeout(EXIT_TIMEOUT, &mut self.stderr).await {
            Ok(Ok(said)) => String::from_utf8_lossy(&said).into_owned(),
            _ => String::new(),
        };
        if said.contains("memory allocation of") {
            return format!("it needed more than {} MiB of memory", config.memory_limit_bytes >> 20);
        }
        if said.contains("has overflowed its stack") {
            return "the file is nested too deeply".into();
        }
        match status {
            Ok(Ok(status)) => format!("it ended early: {status}"),
            _ => "it closed its output and went on".into(),
        }
    }
}

/// Reads a stream to its end and keeps the last of it.
async fn keep_the_end(mut stream: impl AsyncReadExt + Unpin) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        let excess = kept.len().saturating_sub(LAST_WORDS_BYTES);
        kept.drain(..excess);
    }
    kept
}

fn unavailable(reason: impl std::fmt::Display) -> ExtractError {
    ExtractError::Unavailable { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::io::Write;

    use super::{super::child::serve, *};

    /// Not a test of its own: the child that the other tests start, which is this very test program. What
    /// the test harness prints around it is the kind of noise that the protocol has to bear.
    #[test]
    fn hostile_child() {
        if std::env::args().any(|arg| arg == "started-as-a-child") {
            serve(hostile_parser);
        }
    }

    /// What a parser that was taken over might try: what of it went well.
    fn escapes() -> String {
        let place = std::env::temp_dir().join(format!("footnote-escape-{}", std::process::id()));
        let mut went_well = Vec::new();
        let mut tried = |what: &'static str, succeeded: bool| went_well.extend(succeeded.then_some(what));
        tried("a program", std::process::Command::new("/bin/true").spawn().is_ok());
        tried("a connection", std::net::TcpStream::connect("127.0.0.1:9").is_ok_and(|_| true));
        tried("a listener", std::net::TcpListener::bind("127.0.0.1:0").is_ok());
        tried("a socket", std::os::unix::net::UnixDatagram::unbound().is_ok());
        tried("a new file", std::fs::write(&place, "x").is_ok());
        tried("a folder", std::fs::create_dir(&place).is_ok());
        tried("writing to a file", std::fs::OpenOptions::new().append(true).open("Cargo.toml").is_ok());
        tried("a removal", std::fs::remove_file("/no/such/file").is_err_and(|error| error.raw_os_error() == Some(2)));
        // What it needs goes on.
        tried("NO THREAD", std::thread::spawn(|| 1).join().is_err());
        tried("NO FILE", std::fs::read("/proc/self/status").is_err());
        went_well.join(", ")
    }

    fn hostile_parser(bytes: &[u8], name: &str, _: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
        println!("a parser that prints\nwhat nobody asked for");
        match bytes {
            b"panic" => panic!("index out of bounds in the {}", "parser"),
            b"loop" => loop {
                std::hint::spin_loop();
            },
            b"swell" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(vec![1; 16 << 20]);
                }
            }
            b"deep" => {
                fn deeper(n: u64) -> u64 {
                    if n == 0 { 0 } else { std::hint::black_box(deeper(std::hint::black_box(n + 1))) + 1 }
                }
                deeper(1);
                Err(ExtractError::Empty)
            }
            b"exit" => std::process::exit(3),
            b"escape" => Err(ExtractError::NoText { reason: escapes() }),
            b"refuse" => Err(ExtractError::NoText { reason: "because".into() }),
            _ => {
                print!("no line end");
                let text = format!("{} by {} \u{2028} \"quoted\"\n", name, std::process::id());
                Ok(ExtractedDocument { text, ..ExtractedDocument::default() })
            }
        }
    }

    fn extractor(change: impl FnOnce(&mut ExtractorConfig)) -> Extractor {
        let test = "ingest::extract::sandbox::tests::hostile_child";
        let args = [test, "--exact", "--nocapture", "--test-threads=1", "--skip", "started-as-a-child"];
        let mut config = ExtractorConfig::new(std::env::current_exe().unwrap(), args);
        config.memory_limit_bytes = 1 << 30;
        config.children = 1;
        change(&mut config);
        Extractor::new(config)
    }

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }

    async fn run(extractor: &Extractor, content: &str) -> Result<String, ExtractError> {
        let file = file(content);
        Ok(extractor.extract(file.path(), "name.txt").await?.text)
    }

    #[tokio::test]
    async fn a_child_serves_many_files_and_is_replaced_in_time() {
        let extractor = extractor(|config| config.files_per_child = 2);
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(run(&extractor, "fine").await.unwrap());
        }
        assert!(answers[0].starts_with("name.txt by ") && answers[0].ends_with("\u{2028} \"quoted\"\n"));
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[2], answers[3]);
        assert_ne!(answers[1], answers[2]);
    }

    #[tokio::test]
    async fn a_refusal_travels_as_it_is_and_costs_no_child() {
        let extractor = extractor(|_| {});
        let first = run(&extractor, "fine").await.unwrap();
        assert_eq!(run(&extractor, "refuse").await, Err(ExtractError::NoText { reason: "because".into() }));
        assert_eq!(run(&extractor, "fine").await.unwrap(), first);
    }

    #[tokio::test]
    async fn every_death_has_a_reason_and_the_next_file_a_child() {
        let extractor = extractor(|_| {});
        for (content, expected) in [
            ("panic", "index out of bounds in the parser"),
            ("swell", "it needed more than 1024 MiB of memory"),
            ("deep", "the file is nested too deeply"),
            ("exit", "it ended early: exit status: 3"),
        ] {
            match run(&extractor, content).await {
                Err(ExtractError::Crashed { reason }) => assert!(reason.contains(expected), "{content}: {reason}"),
                other => panic!("{content}: {other:?}"),
            }
            assert!(run(&extractor, "fine").await.is_ok());
        }
    }

    /// A child that answers its first file, and has no room for a thread after that.
    #[tokio::test]
    async fn a_child_whose_memory_is_used_up_costs_the_next_file_nothing() {
        let answer = |error| serde_json::to_string(&Err::<ExtractedDocument, _>(error)).unwrap();
        let first = answer(ExtractError::NoText { reason: "PROCESS".into() }).replace("PROCESS", "'$$'");
        let full = answer(ExtractError::Unavailable { reason: "no room for a thread".into() });
        let script = |first: &str| {
            format!(
                "answer='{first}'; while read -r line; do token=${{line#*'\"token\":\"'}}; token=${{token%%'\"'*}}; \
                 printf '%s\n' \"$token$answer\"; answer='{full}'; done"
            )
        };
        let fake = |script: String| {
            extractor(|config| (config.program, config.args) = ("/bin/sh".into(), vec!["-c".into(), script]))
        };
        let used_up = fake(script(&first));
        let process = async || match run(&used_up, "x").await.unwrap_err() {
            ExtractError::NoText { reason } => reason.parse::<u32>().unwrap(),
            other => panic!("{other}"),
        };
        assert_ne!(process().await, process().await);
        // Of a fresh one that has no room either it is the answer.
        let error = run(&fake(script(&full)), "x").await.unwrap_err();
        assert!(error.to_string().contains("no room for a thread") && error.is_transient(), "{error}");
    }

    /// Where nothing confines the process, some of it would go well: this is promised for Linux.
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    #[tokio::test]
    async fn a_parser_that_was_taken_over_reaches_nothing() {
        let extractor = extractor(|_| {});
        assert_eq!(run(&extractor, "escape").await, Err(ExtractError::NoText { reason: String::new() }));
        assert!(run(&extractor, "fine").await.is_ok());
    }

    #[tokio::test]
    async fn a_loop_is_stopped_in_time() {
        let extractor = extractor(|config| config.timeout = Duration::from_secs(3));
        assert_eq!(run(&extractor, "loop").await, Err(ExtractError::TimedOut { seconds: 3 }));
        assert!(run(&extractor, "fine").await.is_ok());
    }

    #[tokio::test]
    async fn what_is_not_the_files_fault_may_be_tried_again() {
        let good = extractor(|_| {});
        let gone = good.extract(Path::new("/nonexistent/file"), "a.txt").await.unwrap_err();
        assert!(gone.is_transient(), "{gone}");
        let bad = extractor(|config| config.program = "/nonexistent/program".into());
        let error = run(&bad, "fine").await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_talks_nonsense_is_a_crash() {
        let babble = extractor(|config| {
            config.program = "/bin/sh".into();
            config.args = vec!["-c".into(), "read line; echo {} ; exit 0".into()];
        });
        assert!(matches!(run(&babble, "fine").await, Err(ExtractError::Crashed { .. })));
    }
}
