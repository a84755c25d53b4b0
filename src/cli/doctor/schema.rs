//! Whether the database is of an older program. Opening it would bring its schema up to date: that is a change, and what works
//! on the database meanwhile could not go on.
//!
//! May depend on `app`.

use super::findings::Findings;
use crate::{app, config::Config, metadata_store::Behind};

/// How far the schema is behind this program, which is a problem where nothing is to be mended.
pub async fn behind(config: &Config, repair: bool, findings: &mut Findings) -> Option<Behind> {
    // What cannot be looked at cannot be opened either, and is told then.
    let behind = app::schema_behind(config).await.unwrap_or_default()?;
    if !repair {
        let Behind { found, needed } = behind;
        findings.bad(
            "database",
            format!("its schema is version {found}, and this program has version {needed}"),
            "the stores were not looked at: to open them is to change the schema, and an older program cannot go on then",
            "stop every older process and make a backup with the older program; then start the service, or run `footnote \
             doctor --repair`: either brings the schema up to date",
        );
    }
    Some(behind)
}
