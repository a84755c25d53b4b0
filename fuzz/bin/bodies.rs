//! Bodies of HTTP requests, against the whole application with its models.
#![no_main]
#![allow(clippy::expect_used, reason = "an application that does not start has nothing to look for")]

use std::sync::OnceLock;

use footnote::{
    app::{App, Purpose},
    config::{Config, Settings},
    http,
};
use footnote_fuzz::bodies::Served;
use tokio::runtime::Runtime;

static SERVED: OnceLock<(Runtime, Served)> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (runtime, served) = SERVED.get_or_init(start);
    runtime.block_on(served.body(bytes));
});

/// An application without documents. Its directory is left behind: the process never ends in an orderly way.
fn start() -> (Runtime, Served) {
    let runtime = Runtime::new().expect("a runtime");
    let key = "a key that is used here only".to_owned();
    let settings = Settings {
        data_dir: Some(tempfile::tempdir().expect("a directory").keep()),
        api_key: Some(key.clone()),
        ..Settings::default()
    };
    let config = Config::resolve(settings).expect("a configuration");
    let purpose = Purpose { answers: true, any_index: false };
    let app =
        runtime.block_on(App::start(config, purpose)).expect("an application; `footnote models pull` fetches models");
    let served = Served::new(http::router(app), key);
    (runtime, served)
}
