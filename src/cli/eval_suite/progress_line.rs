//! How far a run has come, on standard error.

use std::{io::IsTerminal, time::Instant};

use crate::eval::runner::Progress;

/// One line on standard error, written over on a terminal; else a line for every tenth of the questions.
#[derive(Default)]
pub(super) struct ProgressLine {
    /// When the first question had ended, and how many were done by then.
    started: Option<(Instant, usize)>,
    tenth: usize,
}

impl ProgressLine {
    /// Shows how far it has come, and how long the rest may take.
    pub(super) fn show(&mut self, progress: Progress) {
        let (started, before) = *self.started.get_or_insert_with(|| (Instant::now(), progress.done));
        let tenth = progress.done * 10 / progress.all.max(1);
        let terminal = std::io::stderr().is_terminal();
        if !terminal && tenth == self.tenth {
            return;
        }
        self.tenth = tenth;
        let each = started.elapsed().as_secs_f64() / (progress.done - before).max(1) as f64;
        let left = each * (progress.all - progress.done) as f64;
        let (start, end) = if terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        let Progress { done, failed, all } = progress;
        eprint!("{start}{done} of {all} questions, {failed} failed, about {left:.0} s left{end}");
    }

    /// Leaves the line.
    pub(super) fn end(&self) {
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
    }
}
