//! Generations of the index, and the swap.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{PostgresStore, chunks, commit, jobs, settle};
use crate::{
    domain::{Chunk, DocumentId, Generation, GenerationNumber, IndexStamp, JobId, JobKind, JobState, ReindexOptions},
    metadata_store::{
        ActiveVersion, GenerationStore, StoreResult, SwapOutcome,
        bounded::{CALL, within},
        checks,
        rows::{self, ActiveVersionRow, GenerationRow},
    },
};

#[async_trait]
impl GenerationStore for PostgresStore {
    async fn active_generation_or_create(&self, stamp: &IndexStamp) -> StoreResult<Generation> {
        if let Some(active) = self.active_generation().await? {
            return Ok(active);
        }
        within(CALL, async {
            let mut transaction = self.begin().await?;
            let result = async {
                lock(&mut transaction).await?;
                let generation = match active(&mut transaction).await? {
                    Some(active) => active,
                    None => {
                        let number = next_number(&mut transaction).await?;
                        sqlx::query(
                            "INSERT INTO generations (number, state, stamp, activated_at) \
                             VALUES ($1, 'active', $2, now())",
                        )
                        .bind(number)
                        .bind(Json(stamp))
                        .execute(&mut *transaction)
                        .await?;
                        read(&mut transaction, number).await?
                    }
                };
                Ok(generation)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn active_generation(&self) -> StoreResult<Option<Generation>> {
        within(CALL, async { active(&mut *self.pool.acquire().await?).await }).await
    }

    async fn generations(&self) -> StoreResult<Vec<Generation>> {
        within(CALL, async {
            let found: Vec<GenerationRow<DateTime<Utc>>> =
                sqlx::query_as(concat!("SELECT ", rows::generation_columns!(), " FROM generations ORDER BY number"))
                    .fetch_all(&self.pool)
                    .await?;
            found.into_iter().map(GenerationRow::generation).collect()
        })
        .await
    }

    async fn enqueue_reindex(&self, options: ReindexOptions) -> StoreResult<JobId> {
        within(CALL, async {
            let mut transaction = self.begin().await?;
            let result = async {
                // The lock keeps two requests from both finding none.
                lock(&mut transaction).await?;
                let open: Option<(Uuid, Option<Json<ReindexOptions>>)> = sqlx::query_as(
                    "SELECT id, options FROM jobs WHERE kind = 'reindex' AND state IN ('queued', 'running')",
                )
                .fetch_optional(&mut *transaction)
                .await?;
                if let Some((open, asked)) = open {
                    let same = asked.map_or_else(ReindexOptions::default, |asked| asked.0) == options;
                    return if same { Ok(JobId(open)) } else { Err(rows::another_reindex(JobId(open))) };
                }
                if options.rollback {
                    last_retired(&mut transaction).await?.ok_or_else(rows::nothing_to_go_back_to)?;
                }
                let job = jobs::enqueue(&mut transaction, JobKind::Reindex, None, None).await?;
                sqlx::query("UPDATE jobs SET options = $2 WHERE id = $1")
                    .bind(job.0)
                    .bind(Json(options))
                    .execute(&mut *transaction)
                    .await?;
                Ok(job)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn begin_generation(&self, job: JobId, token: &str, stamp: &IndexStamp) -> StoreResult<Generation> {
        within(CALL, async {
            let mut transaction = self.begin().await?;
            let result = async {
                check_reindex(&mut transaction, job, token).await?;
                lock(&mut transaction).await?;
                let building: Option<(GenerationNumber, Json<IndexStamp>, Option<Uuid>)> =
                    sqlx::query_as("SELECT number, stamp, job_id FROM generations WHERE state = 'building'")
                        .fetch_optional(&mut *transaction)
                        .await?;
                let asked = jobs::read(&mut transaction, job).await?.options.unwrap_or_default();
                let number = match building.filter(|(_, built_with, _)| built_with.0 == *stamp) {
                    Some((number, _, builder)) if builder == Some(job.0) => number,
                    // Of a job that has ended, since one reindex is open at a time: what it built is what is accepted.
                    Some((number, ..)) if asked.accept_worse => {
                        build_on(&mut transaction, job, number).await?;
                        number
                    }
                    _ => replace_building(&mut transaction, job, stamp).await?,
                };
                let generation = read(&mut transaction, number).await?;
                Ok(generation)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn revive_generation(&self, job: JobId, token: &str) -> StoreResult<Generation> {
        within(CALL, async {
            let mut transaction = self.begin().await?;
            let result = async {
                check_reindex(&mut transaction, job, token).await?;
                lock(&mut transaction).await?;
                let building: Option<(GenerationNumber, Option<Uuid>)> =
                    sqlx::query_as("SELECT number, job_id FROM generations WHERE state = 'building'")
                        .fetch_optional(&mut *transaction)
                        .await?;
                if let Some((number, Some(builder))) = building
                    && builder == job.0
                {
                    return read(&mut transaction, number).await;
                }
                let number = last_retired(&mut transaction).await?.ok_or_else(rows::nothing_to_go_back_to)?;
                sqlx::query("UPDATE generations SET state = 'retired' WHERE state = 'building'")
                    .execute(&mut *transaction)
                    .await?;
                build_on(&mut transaction, job, number).await?;
                read(&mut transaction, number).await
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn missing_versions(&self, generation: GenerationNumber, limit: u32) -> StoreResult<Vec<ActiveVersion>> {
        within(CALL, async {
            let mut conn = self.pool.acquire().await?;
            state(&mut conn, generation).await?;
            let missing: Vec<ActiveVersionRow> = sqlx::query_as(concat!(
                rows::select_sources!(),
                rows::missing!(),
                " AND e.generation = $1) ORDER BY v.document_id LIMIT $2"
            ))
            .bind(generation)
            .bind(i64::from(limit))
            .fetch_all(&mut *conn)
            .await?;
            missing.into_iter().map(ActiveVersionRow::source).collect()
        })
        .await
    }

    async fn count_missing_versions(&self, generation: GenerationNumber) -> StoreResult<u64> {
        within(CALL, async {
            let mut conn = self.pool.acquire().await?;
            state(&mut conn, generation).await?;
            count_missing(&mut conn, generation).await
        })
        .await
    }

    async fn record_chunks(
        &self,
        generation: GenerationNumber,
        document: DocumentId,
        version: u32,
        chunks: Vec<Chunk>,
    ) -> StoreResult<()> {
        checks::chunks(generation, document, version, &chunks)?;
        within(CALL, async {
            let mut transaction = self.begin().await?;
            let result = async {
                let living = commit::lock_living(&mut transaction, document.0).await?;
                share(&mut transaction).await?;
                let state = state(&mut transaction, generation).await?;
                rows::check_building(generation, &state)?;
                let active: Option<i32> = sqlx::query_scalar(
                    "SELECT 1 FROM versions WHERE document_id = $1 AND version = $2 AND state = 'active'",
                )
                .bind(document.0)
                .bind(i64::from(version))
                .fetch_optional(&mut *transaction)
                .await?;
                if living && active.is_some() {
                    chunks::record(&mut transaction, generation, document, version, &chunks).await?;
                } else {
                    // Its purge may have run before these vectors were written.
                    let version = Some(i64::from(version));
                    jobs::enqueue(&mut transaction, JobKind::Purge, Some(document.0), version).await?;
                }
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn swap_generation(&self, job: JobId, token: &str, generation: GenerationNumber) -> StoreResult<SwapOutcome> {
        within(CALL, async {
            let mut transaction = self.begin().await?;
            let result = async {
                check_reindex(&mut transaction, job, token).await?;
                lock(&mut transaction).await?;
                let builder: Option<(String, Option<Uuid>)> =
                    sqlx::query_as("SELECT state, job_id FROM generations WHERE number = $1")
                        .bind(generation)
                        .fetch_optional(&mut *transaction)
                        .await?;
                let (state, builder) = builder.ok_or_else(|| rows::not_found("generation", generation))?;
                rows::check_builder(generation, &state, builder, job)?;
                let missing = count_missing(&mut transaction, generation).await?;
                if missing > 0 {
                    return Ok(SwapOutcome::Incomplete(missing));
                }
                sqlx::query("UPDATE generations SET state = 'retired' WHERE state = 'active'")
                    .execute(&mut *transaction)
                    .await?;
                crate::faults::point("tx.swap.retired").await?;
                sqlx::query("UPDATE generations SET state = 'active', activated_at = now() WHERE number = $1")
                    .bind(generation)
                    .execute(&mut *transaction)
                    .await?;
                jobs::end(&mut transaction, job, JobState::Succeeded, None).await?;
                crate::faults::point("tx.swap.activated").await?;
                Ok(SwapOutcome::Swapped)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn forget_generation(&self, generation: GenerationNumber) -> StoreResult<()> {
        loop {
            // A piece at a time: one statement over a large generation would keep every writer waiting.
            let forgotten = within(CALL, async {
                let mut transaction = self.begin().await?;
                let result = async {
                    let Some(state) = find_state(&mut transaction, generation).await? else { return Ok(true) };
                    rows::check_retired(generation, &state)?;
                    let piece = sqlx::query(
                        "DELETE FROM generation_versions WHERE generation = $1 AND (document_id, version) IN \
                         (SELECT document_id, version FROM generation_versions WHERE generation = $1 LIMIT $2)",
                    )
                    .bind(generation)
                    .bind(rows::FORGET_PIECE)
                    .execute(&mut *transaction)
                    .await?;
                    if piece.rows_affected() == 0 {
                        sqlx::query("DELETE FROM generations WHERE number = $1")
                            .bind(generation)
                            .execute(&mut *transaction)
                            .await?;
                    }
                    Ok(piece.rows_affected() == 0)
                }
                .await;
                settle(transaction, result).await
            })
            .await?;
            if forgotten {
                return Ok(());
            }
        }
    }
}

/// Keeps the active generation what it is until the transaction ends, together with others that do.
pub(super) async fn share(conn: &mut PgConnection) -> StoreResult<()> {
    sqlx::query("SELECT last FROM generation_counter FOR SHARE").execute(conn).await?;
    Ok(())
}

/// Waits for all who share, and keeps them out until the transaction ends.
async fn lock(conn: &mut PgConnection) -> StoreResult<()> {
    sqlx::query("SELECT last FROM generation_counter FOR UPDATE").execute(conn).await?;
    Ok(())
}

/// The generation that commits belong to.
pub(super) async fn active_number(conn: &mut PgConnection) -> StoreResult<GenerationNumber> {
    let number =
        sqlx::query_scalar("SELECT number FROM generations WHERE state = 'active'").fetch_optional(conn).await?;
    number.ok_or_else(rows::no_active_generation)
}

async fn active(conn: &mut PgConnection) -> StoreResult<Option<Generation>> {
    let row: Option<GenerationRow<DateTime<Utc>>> =
        sqlx::query_as(concat!("SELECT ", rows::generation_columns!(), " FROM generations WHERE state = 'active'"))
            .fetch_optional(conn)
            .await?;
    row.map(GenerationRow::generation).transpose()
}

async fn read(conn: &mut PgConnection, number: GenerationNumber) -> StoreResult<Generation> {
    let row: GenerationRow<DateTime<Utc>> =
        sqlx::query_as(concat!("SELECT ", rows::generation_columns!(), " FROM generations WHERE number = $1"))
            .bind(number)
            .fetch_one(conn)
            .await?;
    row.generation()
}

async fn find_state(conn: &mut PgConnection, number: GenerationNumber) -> StoreResult<Option<String>> {
    Ok(sqlx::query_scalar("SELECT state FROM generations WHERE number = $1").bind(number).fetch_optional(conn).await?)
}

async fn state(conn: &mut PgConnection, number: GenerationNumber) -> StoreResult<String> {
    find_state(conn, number).await?.ok_or_else(|| rows::not_found("generation", number))
}

async fn next_number(conn: &mut PgConnection) -> StoreResult<GenerationNumber> {
    Ok(sqlx::query_scalar("UPDATE generation_counter SET last = last + 1 RETURNING last").fetch_one(conn).await?)
}

async fn check_reindex(conn: &mut PgConnection, job: JobId, token: &str) -> StoreResult<()> {
    let row = jobs::lock(conn, job).await?;
    row.check_held(job, token)?;
    row.check_is_reindex(job)
}

async fn count_missing(conn: &mut PgConnection, generation: GenerationNumber) -> StoreResult<u64> {
    let missing: i64 = sqlx::query_scalar(concat!(
        "SELECT COUNT(*) FROM versions v WHERE ",
        rows::missing!(),
        " AND e.generation = $1)"
    ))
    .bind(generation)
    .fetch_one(conn)
    .await?;
    rows::count(missing)
}

/// The retired generation that was active last. One that never was is none to go back to.
async fn last_retired(conn: &mut PgConnection) -> StoreResult<Option<GenerationNumber>> {
    Ok(sqlx::query_scalar(
        "SELECT number FROM generations WHERE state = 'retired' AND activated_at IS NOT NULL \
         ORDER BY activated_at DESC, number DESC LIMIT 1",
    )
    .fetch_optional(conn)
    .await?)
}

/// Lets `job` build on a generation that is there.
async fn build_on(conn: &mut PgConnection, job: JobId, number: GenerationNumber) -> StoreResult<()> {
    sqlx::query("UPDATE generations SET state = 'building', job_id = $2 WHERE number = $1")
        .bind(number)
        .bind(job.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query("UPDATE jobs SET generation = $2, updated_at = now() WHERE id = $1")
        .bind(job.0)
        .bind(number)
        .execute(conn)
        .await?;
    Ok(())
}

/// Retires what is being built, if anything is, and begins anew.
async fn replace_building(conn: &mut PgConnection, job: JobId, stamp: &IndexStamp) -> StoreResult<GenerationNumber> {
    sqlx::query("UPDATE generations SET state = 'retired' WHERE state = 'building'").execute(&mut *conn).await?;
    let number = next_number(conn).await?;
    sqlx::query("INSERT INTO generations (number, state, stamp) VALUES ($1, 'building', $2)")
        .bind(number)
        .bind(Json(stamp))
        .execute(&mut *conn)
        .await?;
    build_on(conn, job, number).await?;
    Ok(number)
}
