//! What a person sees while files are fetched.
//!
//! May depend on indicatif only.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// Told how a pull is going. One step at a time: `begin`, any number of `at`, `end`.
pub trait PullProgress: Send + Sync {
    /// Something that a person should know.
    fn note(&self, text: &str);
    /// A step begins, of `total` bytes if that is known.
    fn begin(&self, what: &str, total: Option<u64>);
    /// The step has come so far.
    fn at(&self, bytes: u64);
    /// The step is over, whether it went well or not.
    fn end(&self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl PullProgress for Silent {
    fn note(&self, _: &str) {}
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn at(&self, _: u64) {}
    fn end(&self) {}
}

/// A bar on standard error when that is a terminal, else one plain line a step.
#[derive(Debug)]
pub struct TerminalProgress {
    terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Default for TerminalProgress {
    fn default() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), bar: Mutex::new(None) }
    }
}

impl TerminalProgress {
    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PullProgress for TerminalProgress {
    fn note(&self, text: &str) {
        match &*self.bar() {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn begin(&self, what: &str, total: Option<u64>) {
        if !self.terminal {
            eprintln!("{what}");
            return;
        }
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let template = match total {
            Some(_) => "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            None => "{spinner} {msg} {bytes} {bytes_per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.bar() = Some(bar);
    }

    fn at(&self, bytes: u64) {
        if let Some(bar) = &*self.bar() {
            bar.set_position(bytes);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }
}
