//! Stopping: one token that is cancelled by the first signal.
//!
//! May depend on tokio only.

use tokio_util::sync::CancellationToken;

/// A token that is cancelled on Ctrl-C, and on SIGTERM where there is one. A second signal ends the process.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        for round in 0..2 {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            if round == 1 {
                // What is under way was promised to nobody: jobs have leases, uploads were not answered.
                std::process::exit(130);
            }
            tracing::info!("stopping: running requests are finished, running jobs go back to the queue");
            cancelled.cancel();
        }
    });
    Ok(stop)
}
