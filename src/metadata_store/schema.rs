//! The migrations that this program was compiled with: the same names for every backend.
//!
//! Depends on sqlx's migrator, on no driver. The files are read at compile time with `include_str!`, which rebuilds
//! when one of them changes; sqlx's own macro would overlook it.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{MetadataStoreError, StoreResult};

/// One migration, in each dialect.
pub(super) struct Step {
    version: i64,
    name: &'static str,
    /// The SQL for SQLite.
    pub(super) sqlite: &'static str,
    /// The SQL for Postgres.
    pub(super) postgres: &'static str,
}

macro_rules! step {
    ($version:literal, $name:literal) => {
        Step {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name)),
            postgres: include_str!(concat!("../../migrations/postgres/", $name)),
        }
    };
}

/// All migrations, oldest first. One that has been released is never edited: the next one changes what it made.
const STEPS: &[Step] = &[
    step!(1, "0001_initial.sql"),
    step!(2, "0002_adapters.sql"),
    step!(3, "0003_conversations_and_actions.sql"),
    step!(4, "0004_order_of_the_queue.sql"),
    step!(5, "0005_deletions.sql"),
    step!(6, "0006_keys_and_access.sql"),
    step!(7, "0007_audit_log.sql"),
    step!(8, "0008_feedback.sql"),
    step!(9, "0009_connectors.sql"),
    step!(10, "0010_success_of_connectors.sql"),
];

/// The query for the newest migration that a database has, which [`is_ours`] judges.
pub(super) const APPLIED: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";

/// The schema that this program reads and writes.
pub(super) fn newest() -> i64 {
    STEPS.last().map_or(0, |step| step.version)
}

/// The migrator of a backend, whose dialect `sql` picks.
pub(super) fn migrator(sql: fn(&Step) -> &'static str) -> Migrator {
    let migration = |step: &Step| {
        let name = Cow::Borrowed(step.name.trim_end_matches(".sql"));
        Migration::new(step.version, name, MigrationType::Simple, sql(step).into_sql_str(), false)
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}

/// What an error of the migrator means.
pub(super) fn explain(error: MigrateError) -> MetadataStoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        MigrateError::VersionMissing(found) if found > newest() => newer(found),
        MigrateError::VersionMismatch(found) => MetadataStoreError::Failed(format!(
            "migration {found} was applied with other contents than this program has: use the program that made the \
             database, or a copy of it that was not changed by hand"
        )),
        other => MetadataStoreError::Failed(format!("its schema could not be brought up to date: {other}")),
    }
}

/// The query for whether there are migrations at all, in SQLite.
pub(super) const IN_SQLITE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')";

/// The query for whether there are migrations at all, in Postgres.
pub(super) const IN_POSTGRES: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

/// A schema that opening the store would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Its version.
    pub found: i64,
    /// The version that this program has.
    pub needed: i64,
}

/// How far `found`, the newest applied migration, is behind this program.
pub(super) fn behind(found: Option<i64>) -> Option<Behind> {
    found.filter(|found| *found < newest()).map(|found| Behind { found, needed: newest() })
}

/// `Ok` when `found`, the newest applied migration, is this program's.
pub(super) fn is_ours(found: Option<i64>) -> StoreResult<()> {
    match found {
        Some(found) if found == newest() => Ok(()),
        Some(found) if found > newest() => Err(newer(found)),
        _ => Err(MetadataStoreError::Failed(format!(
            "its schema is version {}, this program needs {}: start the program again to migrate it",
            found.unwrap_or(0),
            newest()
        ))),
    }
}

fn newer(found: i64) -> MetadataStoreError {
    MetadataStoreError::Failed(format!(
        "its schema is version {found}, newer than the version {} of this program: start a newer footnote, or restore \
         a backup from before the upgrade",
        newest()
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, path::Path};

    use super::*;

    fn files(dialect: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn both_dialects_have_the_same_migrations_and_all_are_compiled_in() {
        let compiled: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(files("sqlite"), compiled);
        assert_eq!(files("postgres"), compiled);
    }

    #[test]
    fn versions_ascend_without_a_gap_and_are_what_the_names_say() {
        for (step, expected) in STEPS.iter().zip(1..) {
            assert_eq!(step.version, expected);
            assert!(step.name.starts_with(&format!("{expected:04}_")), "{}", step.name);
        }
    }

    #[test]
    fn only_this_programs_schema_is_accepted() {
        is_ours(Some(newest())).unwrap();
        assert!(is_ours(Some(newest() + 1)).unwrap_err().to_string().contains("newer footnote"));
        assert!(is_ours(None).unwrap_err().to_string().contains("migrate it"));
        assert_eq!([None, Some(newest()), Some(newest() + 1)].map(behind), [None; 3]);
        assert_eq!(behind(Some(1)), Some(Behind { found: 1, needed: newest() }));
    }
}
