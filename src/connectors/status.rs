//! What is told about connectors, and how one that is not followed any more is taken away.
//!
//! May depend on `config`, `domain` and the metadata store.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{ConnectorServices, follow::LEASE};
use crate::{
    config::{Connector, Connectors},
    domain::{ConnectorState, LastPass, PassOutcome, PassReport},
    metadata_store::{MetadataStore, MetadataStoreError, PassEnd, PassWhen},
};

/// How many items are deleted between two signs of life.
const TOGETHER: u32 = 100;

/// A connector, with what this process is configured to do with it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConnectorStatus {
    /// Where it stands.
    #[serde(flatten)]
    pub state: ConnectorState,
    /// It is in the configuration of this process. The documents of one that is in no configuration stay as they are.
    pub followed: bool,
    /// Where its source is; absent when it is not in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The collection of its documents; absent likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// How many seconds after a pass the next one begins; absent likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u64>,
}

/// All connectors, those that are configured and those that were, by name.
pub async fn statuses(
    metadata: &dyn MetadataStore,
    configured: &Connectors,
) -> Result<Vec<ConnectorStatus>, MetadataStoreError> {
    let mut states = metadata.connectors().await?;
    for connector in &configured.connectors {
        // No process has begun to follow it yet.
        if !states.iter().any(|state| state.name == connector.name) {
            states.push(fresh(connector));
        }
    }
    states.sort_by(|a, b| a.name.cmp(&b.name));
    let status = |state: ConnectorState| {
        let connector = configured.get(&state.name);
        ConnectorStatus {
            followed: connector.is_some(),
            address: connector.map(|connector| connector.source.address()),
            collection: connector.map(|connector| connector.collection.clone()),
            interval_seconds: connector.map(|connector| connector.interval.as_secs()),
            state,
        }
    };
    Ok(states.into_iter().map(status).collect())
}

/// The last passes of the connectors of the configuration, in its order, with the intervals. Where there is none, no store
/// is asked.
pub async fn last_passes(
    metadata: &dyn MetadataStore,
    configured: &Connectors,
) -> Result<Vec<(LastPass, Duration)>, MetadataStoreError> {
    if configured.connectors.is_empty() {
        return Ok(Vec::new());
    }
    let known = metadata.last_passes().await?;
    let last = |connector: &Connector| {
        let found = known.iter().find(|last| last.name == connector.name).cloned();
        let last = found.unwrap_or_else(|| LastPass {
            name: connector.name.clone(),
            kind: connector.source.kind(),
            running: false,
            outcome: None,
            report: None,
            succeeded_at: None,
        });
        (last, connector.interval)
    };
    Ok(configured.connectors.iter().map(last).collect())
}

fn fresh(connector: &Connector) -> ConnectorState {
    ConnectorState {
        name: connector.name.clone(),
        kind: connector.source.kind(),
        pass: 0,
        running: false,
        requested: false,
        begun_at: None,
        ended_at: None,
        outcome: None,
        error: None,
        report: None,
        succeeded_at: None,
        due_at: None,
        items: 0,
        documents: 0,
        failed: 0,
        deleted_here: 0,
    }
}

/// Forgets a connector and deletes its documents, or leaves them as if they had been uploaded by hand. Returns how many
/// were deleted. `Conflict` while a pass runs.
pub async fn remove(
    services: &ConnectorServices,
    connector: &str,
    keep_documents: bool,
) -> Result<u64, MetadataStoreError> {
    let metadata = &services.ingest.metadata;
    if keep_documents {
        metadata.forget_connector(connector).await?;
        return Ok(0);
    }
    let Some(pass) = metadata.begin_pass(connector, PassWhen::Now, LEASE).await? else {
        return Err(MetadataStoreError::Conflict(format!(
            "a pass of the connector `{connector}` runs: try again when it has ended"
        )));
    };
    let mut report = PassReport::default();
    loop {
        let items = metadata.vanished_items(&pass, TOGETHER).await?;
        if items.is_empty() {
            break;
        }
        for item in items {
            report.deleted += u64::from(metadata.drop_item(&pass, &item).await?.is_some());
        }
        metadata.keep_pass(&pass, LEASE).await?;
    }
    services.ingest.wake.notify_one();
    let end = PassEnd { outcome: PassOutcome::Complete, error: None, report, again_in: LEASE };
    metadata.end_pass(&pass, end).await?;
    metadata.forget_connector(connector).await?;
    Ok(report.deleted)
}
