//! What a database error means to a caller: the one place where sqlx's errors become this module's.
//!
//! Depends on the drivers' error types. `Unavailable` is kept for what may pass without anybody doing something: a
//! caller retries it, and an upload is answered 503 instead of 500.

use sqlx::{
    error::{DatabaseError, ErrorKind},
    migrate::MigrateError,
    postgres::PgDatabaseError,
    sqlite::SqliteError,
};

use super::MetadataStoreError;
use crate::faults::Fault;

impl From<sqlx::Error> for MetadataStoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                    postgres(error.code(), error.kind(), error.constraint(), &error.to_string())
                } else if let Some(error) = error.try_downcast_ref::<SqliteError>() {
                    let code = DatabaseError::code(error).and_then(|code| code.parse().ok()).unwrap_or_default();
                    sqlite(code, error.message())
                } else {
                    Self::Failed(error.to_string())
                }
            }
            sqlx::Error::PoolTimedOut => {
                Self::Unavailable("no connection became free in time: it is overloaded or away".to_owned())
            }
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            sqlx::Error::Io(error) => Self::Unavailable(error.to_string()),
            sqlx::Error::Migrate(error) => (*error).into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<Fault> for MetadataStoreError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault.to_string())
    }
}

impl From<MigrateError> for MetadataStoreError {
    fn from(error: MigrateError) -> Self {
        super::schema::explain(error)
    }
}

/// By SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres(code: &str, kind: ErrorKind, constraint: Option<&str>, message: &str) -> MetadataStoreError {
    let transient = match code {
        // Cancelled by the statement timeout, could not get a lock, idle for too long inside a transaction.
        "57014" | "55P03" | "25P03" | "25P04" => true,
        // Serialization failure, deadlock: the other side has won, and a repetition will see what it wrote.
        "40001" | "40P01" => true,
        // A standby after a failover: the pool will find the new primary.
        "25006" => true,
        // Connection, resources (too many connections, disk full), operator intervention (shutdown, starting up).
        _ => ["08", "53", "57"].iter().any(|class| code.starts_with(class)),
    };
    if transient {
        return MetadataStoreError::Unavailable(message.to_owned());
    }
    if code.starts_with("22") {
        return MetadataStoreError::Invalid(format!("a value cannot be stored: {message}"));
    }
    match kind {
        ErrorKind::UniqueViolation => conflict(constraint.unwrap_or(message)),
        ErrorKind::CheckViolation | ErrorKind::NotNullViolation => refused(constraint.unwrap_or(message)),
        ErrorKind::ForeignKeyViolation => gone(),
        _ => MetadataStoreError::Failed(message.to_owned()),
    }
}

/// By result code: <https://www.sqlite.org/rescode.html>. The lower 8 bits are the primary one.
fn sqlite(code: i32, message: &str) -> MetadataStoreError {
    const CHECK: i32 = 275;
    const FOREIGN_KEY: i32 = 787;
    const NOT_NULL: i32 = 1299;
    const PRIMARY_KEY: i32 = 1555;
    const UNIQUE: i32 = 2067;
    match code {
        CHECK | NOT_NULL => refused(message),
        FOREIGN_KEY => gone(),
        PRIMARY_KEY | UNIQUE => conflict(message),
        _ => match code & 0xff {
            // Busy, locked, disk full, and the file's lock protocol.
            5 | 6 | 13 | 15 => MetadataStoreError::Unavailable(message.to_owned()),
            8 => MetadataStoreError::Failed(format!("{message}: check who may write the file and its folder")),
            11 | 26 => MetadataStoreError::Failed(format!("{message}: restore a backup")),
            _ => MetadataStoreError::Failed(message.to_owned()),
        },
    }
}

/// `constraint` is its name in Postgres, and a sentence with the columns in SQLite.
fn conflict(constraint: &str) -> MetadataStoreError {
    let known = [
        (&["jobs_one_open_reindex", "jobs.kind"][..], "a reindex is already queued or running"),
        (
            &["documents_one_per_name", "documents.collection"],
            "a document of this name was uploaded at the same moment",
        ),
        (&["versions_one_active"], "the document already has an active version"),
        (&["chunks_id", "chunks.id"], "a chunk with this id is already recorded"),
        (
            &["promotions_id", "promotions.role"],
            "another adapter was promoted or rolled back at the same moment: look again",
        ),
    ];
    let what = known.iter().find(|(names, _)| names.iter().any(|name| constraint.contains(name)));
    MetadataStoreError::Conflict(what.map_or_else(|| format!("it is already there ({constraint})"), |w| w.1.to_owned()))
}

fn refused(constraint: &str) -> MetadataStoreError {
    MetadataStoreError::Invalid(format!("a value is not allowed ({constraint})"))
}

fn gone() -> MetadataStoreError {
    MetadataStoreError::Conflict("what it refers to is gone".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_transient() {
        for code in ["57014", "55P03", "40001", "40P01", "08006", "53300", "53100", "57P01", "57P03"] {
            assert!(postgres(code, ErrorKind::Other, None, "m").is_transient(), "{code}");
        }
        for code in [5, 6, 261, 517, 13] {
            assert!(sqlite(code, "m").is_transient(), "{code}");
        }
        assert!(MetadataStoreError::from(sqlx::Error::PoolTimedOut).is_transient());
        assert!(MetadataStoreError::from(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())).is_transient());
    }

    #[test]
    fn what_needs_somebody_is_not() {
        for code in ["42P01", "28P01", "3D000", "XX001"] {
            assert!(matches!(postgres(code, ErrorKind::Other, None, "m"), MetadataStoreError::Failed(_)), "{code}");
        }
        for code in [1, 8, 10, 11, 14, 26] {
            assert!(matches!(sqlite(code, "m"), MetadataStoreError::Failed(_)), "{code}");
        }
    }

    #[test]
    fn a_constraint_means_the_same_on_both() {
        let pairs = [
            (
                postgres("23505", ErrorKind::UniqueViolation, Some("jobs_one_open_reindex"), "m"),
                sqlite(2067, "UNIQUE constraint failed: jobs.kind"),
            ),
            (
                postgres("23505", ErrorKind::UniqueViolation, Some("chunks_id"), "m"),
                sqlite(1555, "UNIQUE constraint failed: chunks.id"),
            ),
            (postgres("23503", ErrorKind::ForeignKeyViolation, Some("chunks_of"), "m"), sqlite(787, "FOREIGN KEY")),
        ];
        for (on_postgres, on_sqlite) in pairs {
            assert_eq!(on_postgres.to_string(), on_sqlite.to_string());
        }
        assert!(matches!(sqlite(275, "CHECK constraint failed: x"), MetadataStoreError::Invalid(_)));
        assert!(matches!(postgres("22021", ErrorKind::Other, None, "m"), MetadataStoreError::Invalid(_)));
    }
}
