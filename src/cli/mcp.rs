//! `footnote mcp`: the tools of the Model Context Protocol over standard input and output, for an assistant that starts them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    Exit,
    serve::{start_workers, wind_down},
};
use crate::{
    app::{App, Purpose},
    config::Config,
    http,
    mcp::{self, Api},
    shutdown,
};

/// Serve tools to an assistant over standard input and output (Model Context Protocol)
///
/// The stores are opened by this process. Where a server holds them (the embedded ones have one owner), name it with
/// --server; a server has the same tools at /mcp.
#[derive(Debug, clap::Args)]
pub struct Mcp {
    /// Ask a running server, such as http://127.0.0.1:8642, with this configuration's API key
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

impl Mcp {
    /// Serves until standard input ends or a signal comes.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let stop = shutdown::on_signal()?;
        match self.server {
            Some(address) => mcp::serve_stdio(Api::server(&address, config.api_key)?, stop).await?,
            None => serve_own(config, stop).await?,
        }
        Ok(Exit::Ok)
    }
}

/// Serves the tools over the stores of this process, with the workers for what is ingested and delivered.
async fn serve_own(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let key = config.api_key.clone();
    let app: Arc<App> = App::start(config, Purpose { answers: true, any_index: false }).await?;
    let working = stop.child_token();
    // An answer may have what the rules send: nobody else would, while this process has the stores.
    let mut workers = start_workers(&app, &working)?;
    workers.push(tokio::spawn(http::forget_traces(app.clone(), working.clone())));
    let served = mcp::serve_stdio(Api::Within(http::router(app.clone()), key), stop).await;
    working.cancel();
    wind_down(&app, workers).await;
    Ok(served?)
}
