//! The contract of the metadata store: every case runs on every backend.
//!
//! A case is an async function over a [`Backend`]; `contract!` makes a test of each for SQLite and for Postgres.
//! Nothing sleeps: a lease of zero length has ended, and a lease of an hour has not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod adapters;
mod agreement;
mod archive;
mod audit_log;
mod chunks;
mod commits;
mod connectors;
mod conversations;
mod documents;
mod dropped;
pub mod feedback;
mod fixtures;
mod generations;
mod jobs;
mod keys;
mod opening;
mod outcomes;
mod races;
mod uploads;

use std::{any::Any, path::PathBuf, sync::Arc};

use footnote::metadata_store::{MetadataStore, postgres::PostgresStore, sqlite::SqliteStore};

use fixtures::stamp;

/// A store that is used by one test.
pub struct Backend {
    /// The store, with generation 1 active.
    pub store: Arc<dyn MetadataStore>,
    place: Place,
    _keep: Box<dyn Any + Send + Sync>,
}

enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Place {
    async fn connect(&self) -> Arc<dyn MetadataStore> {
        match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::connect(path).await.unwrap()),
            Self::Postgres(url) => Arc::new(PostgresStore::connect(url).await.unwrap()),
        }
    }
}

impl Backend {
    /// Another store of each kind.
    pub async fn others() -> [Self; 2] {
        let database = crate::postgres::second_database().await;
        [Self::sqlite().await, Self::new(Place::Postgres(database.url.clone()), database).await]
    }

    /// The same store as another process sees it.
    pub async fn elsewhere(&self) -> Arc<dyn MetadataStore> {
        self.place.connect().await
    }

    async fn new(place: Place, keep: impl Any + Send + Sync) -> Self {
        let store = place.connect().await;
        store.active_generation_or_create(&stamp("first")).await.unwrap();
        Self { store, place, _keep: Box::new(keep) }
    }

    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::new(Place::Sqlite(folder.path().join("footnote.db")), folder).await
    }

    async fn postgres() -> Self {
        let database = crate::postgres::database().await;
        Self::new(Place::Postgres(database.url.clone()), database).await
    }
}

/// A test of each case, on each backend.
macro_rules! contract {
    ($($group:ident: $($case:ident),+ $(,)?;)+) => {
        mod sqlite {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::super::$group::$case(&super::super::Backend::sqlite().await).await;
                })+
            })+
        }

        mod postgres {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::super::$group::$case(&super::super::Backend::postgres().await).await;
                })+
            })+
        }
    };
}

contract! {
    uploads:
        an_upload_is_recorded_with_its_job,
        the_same_bytes_are_a_duplicate_while_pending_and_when_active,
        the_same_bytes_with_other_metadata_are_the_next_version,
        other_bytes_are_the_next_version,
        bytes_that_failed_are_the_next_version,
        bytes_of_an_older_version_are_the_next_version,
        a_name_in_another_collection_is_another_document,
        what_cannot_be_recorded_is_refused_and_leaves_nothing;
    documents:
        a_document_shows_its_active_and_its_newest_version,
        documents_are_listed_oldest_first_in_stable_pages,
        documents_are_filtered_by_collection_and_name,
        limits_and_cursors_outside_the_contract_are_refused,
        delete_hides_everything_at_once,
        delete_cancels_open_jobs_and_enqueues_a_purge,
        a_deleted_name_is_free_and_another_document,
        a_purge_waits_for_the_lease_of_a_running_ingestion,
        forget_removes_the_rows_of_a_deleted_document_only,
        blobs_are_referenced_by_documents_that_are_not_deleted,
        a_version_says_what_it_was_made_of,
        counts_follow_what_happens;
    commits:
        a_commit_makes_the_version_active,
        a_commit_supersedes_the_version_before,
        a_version_without_chunks_becomes_active,
        a_newer_upload_overtakes,
        a_newer_upload_that_failed_does_not_overtake,
        a_deletion_overtakes_and_purges_again,
        a_commit_without_the_lease_is_lost,
        a_commit_of_something_else_is_refused,
        a_commit_for_another_generation_changes_nothing,
        a_commit_of_wrong_chunks_is_refused;
    chunks:
        what_is_stored_comes_back_the_same,
        chunks_come_in_the_order_of_their_ids,
        chunks_of_other_generations_and_documents_are_left_out,
        many_chunks_are_stored_and_found,
        all_chunks_of_a_generation_are_read_in_pages;
    jobs:
        the_oldest_job_of_the_kinds_is_leased,
        the_queue_is_counted_by_kind_and_state,
        a_job_of_high_priority_goes_first_and_none_waits_for_ever,
        a_report_is_kept_when_the_job_has_ended,
        an_expired_lease_is_taken_over_and_its_holder_has_lost_it,
        a_heartbeat_extends_the_lease_and_says_where_the_job_stands,
        a_job_that_used_up_its_attempts_fails_with_its_version,
        what_killed_attempts_left_is_purged_unless_it_is_begun_again,
        an_exhausted_job_does_not_keep_others_waiting,
        a_failed_attempt_is_repeated_when_it_is_due,
        a_job_that_waits_for_a_store_uses_up_no_attempt,
        a_failure_for_good_fails_the_version,
        a_release_does_not_count,
        a_cancelled_job_loses_its_lease_and_its_version,
        what_has_ended_and_purges_cannot_be_cancelled,
        a_retry_starts_afresh,
        a_retry_of_what_was_replaced_or_deleted_is_refused,
        only_an_ingestion_ends_with_its_commit,
        leases_are_expired_at_once,
        jobs_are_listed_newest_first_in_stable_pages,
        an_unknown_job_is_not_found;
    generations:
        the_first_generation_is_number_one_and_made_once,
        one_reindex_is_open_at_a_time,
        a_job_builds_one_generation,
        another_stamp_or_job_replaces_what_is_being_built,
        a_job_that_accepts_what_was_built_goes_on_with_it,
        only_the_holder_of_a_reindex_builds,
        active_versions_are_missing_until_they_are_recorded,
        recording_again_replaces,
        a_version_that_is_no_longer_active_is_not_recorded_but_purged,
        only_a_building_generation_is_filled,
        a_swap_waits_for_what_is_missing,
        a_swap_activates_and_retires,
        an_ingestion_during_a_reindex_is_missing_in_it,
        a_deletion_during_a_reindex_leaves_it,
        only_the_builder_swaps,
        a_rollback_brings_back_the_generation_that_was_active_last,
        a_rollback_needs_something_to_go_back_to,
        a_retired_generation_is_forgotten_and_its_number_never_used_again;
    adapters:
        an_adapter_comes_back_as_it_was_registered,
        the_same_bytes_are_one_adapter,
        adapters_are_listed_newest_first_in_stable_pages,
        what_is_no_adapter_is_refused_and_leaves_nothing,
        the_newest_evaluation_of_exactly_these_adapters_is_found,
        what_is_promoted_serves_and_the_history_says_why,
        a_decision_on_what_no_longer_serves_changes_nothing,
        rollbacks_go_back_step_by_step_to_what_ships,
        of_promotions_at_the_same_moment_one_wins,
        of_the_same_bytes_at_the_same_moment_one_is_new;
    conversations:
        turns_come_back_as_they_were_stored_and_in_order,
        a_conversation_begins_with_a_turn_or_must_exist,
        conversations_are_listed_newest_first_in_stable_pages,
        a_deleted_conversation_takes_everything_with_it,
        a_deleted_document_leaves_its_ids_only,
        what_was_deleted_while_the_answer_was_made_is_not_stored,
        turns_at_the_same_moment_get_numbers_of_their_own;
    outcomes:
        a_kept_question_comes_back_as_it_was,
        open_questions_are_read_newest_first_and_the_rest_is_counted,
        questions_are_settled_once_by_a_person_or_by_an_answer,
        a_delivery_is_a_job_whose_body_goes_when_it_has_arrived,
        what_did_not_arrive_is_retried_while_its_body_is_kept,
        a_delivery_that_quotes_a_deleted_document_is_not_sent,
        what_cannot_be_recorded_is_refused_and_leaves_nothing;
    feedback:
        feedback_comes_back_with_the_trace_of_its_answer,
        of_one_answer_the_last_feedback_stands,
        only_who_asked_says_something_about_an_answer,
        feedback_is_listed_newest_first_by_verdict_and_collection,
        a_deleted_document_leaves_its_ids_in_feedback_only,
        more_feedback_than_a_purge_changes_at_once_is_all_taken_out,
        of_a_document_that_may_not_be_read_feedback_shows_its_ids_only,
        what_was_deleted_while_the_answer_was_made_leaves_no_trace,
        a_deleted_conversation_takes_its_feedback_and_its_traces,
        traces_that_are_old_or_too_many_are_forgotten,
        what_cannot_be_said_is_refused_and_leaves_the_trace;
    access:
        documents_and_their_jobs_are_those_that_may_be_read,
        collections_are_those_with_a_document_that_may_be_read,
        chunks_are_those_of_documents_that_may_be_read,
        access_labels_are_a_documents_at_once_and_a_version_of_their_own,
        a_document_that_the_uploader_may_not_read_is_not_replaced,
        a_forgotten_documents_jobs_are_those_of_its_collection,
        conversations_are_those_of_their_owner,
        of_a_document_that_may_not_be_read_turns_show_its_ids_only,
        unanswered_questions_are_those_of_collections_that_may_be_read;
    keys:
        a_key_comes_back_as_it_was_made_and_is_found_by_its_sum,
        keys_are_listed_newest_first_in_stable_pages,
        after_a_rotation_both_secrets_are_taken_for_a_while,
        a_revoked_key_stays_in_the_list_and_is_never_rotated,
        the_last_use_of_a_key_is_recorded,
        what_is_no_key_is_refused_and_leaves_nothing;
    audit_log:
        entries_come_back_newest_first_and_by_what_is_asked,
        what_a_request_says_of_itself_keeps_it_not_out_of_the_log,
        old_entries_go_and_the_others_stay;
    connectors:
        a_pass_is_run_by_one_process_at_a_time,
        a_pass_begins_when_it_is_due_or_asked_for,
        when_a_pass_last_succeeded_is_known_although_others_fail,
        a_pass_that_was_lost_changes_nothing,
        an_item_and_its_document_are_recorded_together,
        an_item_that_gets_another_name_is_one_document,
        what_is_known_of_items_comes_back,
        a_document_is_changed_by_whoever_made_it_only,
        what_a_pass_has_not_seen_has_vanished_and_goes_with_its_document,
        failures_are_told_until_they_are_mended,
        a_connector_is_forgotten_and_its_documents_stay,
        what_is_no_connector_is_refused;
    archive:
        everything_is_dumped_and_loaded_the_same_on_either_backend,
        the_last_attempt_at_a_job_is_made_again_after_a_restore,
        a_dump_is_of_one_moment,
        of_a_deleted_document_nothing_is_dumped_but_its_deletion,
        a_store_that_holds_something_is_not_filled,
        a_restore_that_has_not_ended_is_said_and_begun_again,
        what_is_loaded_without_its_document_is_taken_out,
        deletions_are_kept_for_ever_and_listed_in_pages,
        originals_are_known_while_any_version_refers_to_them;
    races:
        identical_uploads_make_one_version,
        different_uploads_make_one_version_each,
        uploads_and_deletions_of_one_name_leave_one_document_at_most,
        no_job_is_leased_twice,
        one_first_generation_and_one_reindex,
        a_commit_and_a_deletion_do_not_both_win,
        a_swap_and_commits_leave_nothing_missing;
}
