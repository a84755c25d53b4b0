//! The child's side of the sandbox: reads requests on standard input, extracts, answers on standard output.
//!
//! One line of JSON each way. An answer begins with the token of its request on a line of its own, so
//! whatever a parser prints by itself stands before it and is passed over.
//!
//! May depend on `domain` only.

use std::{
    io::{BufRead, Write},
    path::PathBuf,
    sync::{Mutex, PoisonError, mpsc},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{ExtractError, ExtractLimits, confine::confine, extract};
use crate::domain::ExtractedDocument;

/// What the parent asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) token: String,
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) limits: ExtractLimits,
    pub(super) memory_limit_bytes: u64,
    /// After this the child ends itself, in case that nobody is left to stop it.
    pub(super) deadline: Duration,
}

/// Parsers recurse; the stack of a main thread is small on some systems.
const STACK_BYTES: usize = 64 << 20;
/// The exit code of a child that ended itself at the deadline.
const EXIT_DEADLINE: i32 = 124;

/// Serves extraction requests until standard input ends: what the hidden subcommand runs.
pub fn run_child() {
    serve(extract);
}

pub(super) type Parse = fn(&[u8], &str, &ExtractLimits) -> Result<ExtractedDocument, ExtractError>;

/// The loop behind [`run_child`], over any parser.
pub(super) fn serve(parse: Parse) {
    std::panic::set_hook(Box::new(|info| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
    }));
    // A crash of a stranger's file must not fill the disk with cores.
    let _ = rlimit::Resource::CORE.set(0, 0);
    let watchdog = start_watchdog();
    // Where the system could and does not, files are not parsed: nobody would notice otherwise.
    let confined = confine();
    let mut limited = false;
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let Ok(request) = serde_json::from_str::<Request>(&line) else { return };
        if !limited && let Err(error) = limit_memory(request.memory_limit_bytes) {
            let reason = format!("the memory limit could not be set: {error}");
            answer(&request.token, &Err(ExtractError::Unavailable { reason }));
            return;
        }
        limited = true;
        if let Err(why) = &confined {
            let reason = format!("the parser could not be confined: {why}");
            answer(&request.token, &Err(ExtractError::Unavailable { reason }));
            return;
        }
        let _ = watchdog.send(Some(request.deadline));
        let token = request.token.clone();
        let result = guarded(parse, request);
        let _ = watchdog.send(None);
        if !answer(&token, &result) {
            return;
        }
    }
}

static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

fn guarded(parse: Parse, request: Request) -> Result<ExtractedDocument, ExtractError> {
    let bytes = std::fs::read(&request.path).map_err(|error| match error.kind() {
        // The file is what does not fit: the next attempt would end in the same way.
        std::io::ErrorKind::OutOfMemory => {
            let limit = request.memory_limit_bytes >> 20;
            ExtractError::Crashed { reason: format!("it needed more than {limit} MiB of memory") }
        }
        _ => ExtractError::Unavailable { reason: format!("{}: {error}", request.path.display()) },
    })?;
    let work = move || parse(&bytes, &request.name, &request.limits);
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|error| ExtractError::Unavailable { reason: error.to_string() })?;
    thread.join().unwrap_or_else(|_| Err(ExtractError::Crashed { reason: last_panic() }))
}

fn last_panic() -> String {
    let message = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
    message.unwrap_or_else(|| "it panicked".into()).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn limit_memory(bytes: u64) -> std::io::Result<()> {
    let (_, hard) = rlimit::Resource::AS.get()?;
    let bytes = bytes.min(hard);
    rlimit::Resource::AS.set(bytes, bytes)
}

fn answer(token: &str, result: &Result<ExtractedDocument, ExtractError>) -> bool {
    let Ok(json) = serde_json::to_string(result) else { return false };
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(b"\n")
        .and_then(|()| out.write_all(token.as_bytes()))
        .and_then(|()| out.write_all(json.as_bytes()))
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    written.is_ok()
}

/// Ends this process when a file takes longer than its deadline, or when the parent is gone: a parent that
/// was killed cannot stop its children, and a parser that loops never looks at its input again.
fn start_watchdog() -> mpsc::Sender<Option<Duration>> {
    let (sender, receiver) = mpsc::channel::<Option<Duration>>();
    let parent = std::os::unix::process::parent_id();
    std::thread::spawn(move || {
        let mut remaining: Option<Duration> = None;
        let pace = Duration::from_secs(1);
        loop {
            match receiver.recv_timeout(pace) {
                Ok(next) => remaining = next,
                Err(mpsc::RecvTimeoutError::Timeout) => remaining = remaining.map(|left| left.saturating_sub(pace)),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if remaining == Some(Duration::ZERO) || std::os::unix::process::parent_id() != parent {
                std::process::exit(EXIT_DEADLINE);
            }
        }
    });
    sender
}
