//! What the system says of changes in a folder, as one knock for each burst of them.
//!
//! A hint and no more: events are lost, network file systems send none, and there are limits on how many folders can be
//! watched. Depends on `notify`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::Notify, time::Instant};

/// How long nothing may happen before a burst of changes counts as over.
const QUIET: Duration = Duration::from_millis(300);
/// How long a burst may last before it is told all the same.
const LONGEST: Duration = Duration::from_secs(5);

/// Tells a folder from another one in its place.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(folder: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder).ok().map(|state| (state.dev(), state.ino()))
}

#[cfg(not(unix))]
fn identity(folder: &Path) -> Option<Identity> {
    folder.is_dir().then_some((0, 0))
}

/// Watches a folder.
pub(super) struct Watch {
    root: PathBuf,
    /// Knocks once for each event, or many together.
    event: Arc<Notify>,
    /// What watches, and which folder that is.
    watcher: Mutex<Option<(RecommendedWatcher, Option<Identity>)>>,
}

impl Watch {
    /// Watches nothing yet.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, event: Arc::default(), watcher: Mutex::default() }
    }

    /// Watches the folder, if it is not watched; blocks while it finds the folders in it. Called before each walk: a folder that was not there, or was put in the
    /// place of another one, is watched from then on.
    pub(super) fn keep(&self) {
        let mut kept = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let there = identity(&self.root);
        if kept.as_ref().is_some_and(|(_, watched)| there.is_some() && *watched == there) {
            return;
        }
        *kept = None;
        let event = self.event.clone();
        let told = move |event_or_error: notify::Result<notify::Event>| {
            // Reading a file changes nothing, and a pass reads.
            if !event_or_error.is_ok_and(|event| event.kind.is_access()) {
                event.notify_one();
            }
        };
        let watched = RecommendedWatcher::new(told, notify::Config::default()).and_then(|mut watcher| {
            watcher.watch(&self.root, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match watched {
            Ok(watcher) => *kept = Some((watcher, there)),
            Err(error) => tracing::warn!(
                folder = %self.root.display(),
                %error,
                "the folder cannot be watched: it is looked at in its interval"
            ),
        }
    }

    /// Waits for a burst of changes and for its end.
    pub(super) async fn changed(&self) {
        self.event.notified().await;
        let last = Instant::now() + LONGEST;
        while Instant::now() < last && tokio::time::timeout(QUIET, self.event.notified()).await.is_ok() {}
    }
}
