//! Originals, texts and adapters against what names them.

use std::collections::HashSet;

use futures::StreamExt;
use sha2::{Digest, Sha256};

use super::{Audit, AuditError, Depth, Indexed, Problem, Stores};
use crate::{
    blob_store::{BlobStoreError, FolderKind, TextName},
    domain::{Document, DocumentVersion, GenerationNumber, VersionState},
    ingest::verify::misplaced,
    metadata_store::{AdapterQuery, DocumentQuery, MetadataStoreError},
};

/// How many documents or originals are looked at together.
const PAGE: u32 = 500;

pub(super) async fn check(stores: Stores<'_>, depth: Depth, audit: &mut Audit) -> Result<(), AuditError> {
    let generations = stores.metadata.generations().await?;
    let active = stores.metadata.active_generation().await?.map(|generation| generation.number);
    let before = audit.problems.len();
    let documents = documents(stores, active, depth, audit).await?;
    adapters(stores, audit).await?;
    if audit.problems.len() == before {
        let how = if depth.deep { "as they were written" } else { "there" };
        audit.right.push(format!("the originals and texts of {documents} documents are {how}"));
    }
    let numbers = generations.iter().map(|generation| generation.number).collect();
    unnamed_texts(stores, &numbers, audit).await?;
    unnamed_originals(stores, audit).await
}

async fn documents(
    stores: Stores<'_>,
    active: Option<GenerationNumber>,
    depth: Depth,
    audit: &mut Audit,
) -> Result<u64, AuditError> {
    let (mut cursor, mut count) = (None, 0);
    loop {
        let query = DocumentQuery { cursor, limit: PAGE, ..DocumentQuery::default() };
        let page = stores.metadata.documents(query).await?;
        for document in page.items {
            count += 1;
            if let (Some(version), Some(generation)) = (&document.active, active) {
                text(stores, &document, version, generation, depth, audit).await?;
                original(stores, &document, version, generation, depth, audit).await?;
            }
            let latest = &document.latest;
            if latest.state == VersionState::Pending {
                original(stores, &document, latest, active.unwrap_or_default(), depth, audit).await?;
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(count);
        }
    }
}

fn indexed(document: &Document, version: u32, generation: GenerationNumber) -> Indexed {
    Indexed { document: document.id, name: document.name.clone(), version, generation }
}

async fn text(
    stores: Stores<'_>,
    document: &Document,
    version: &DocumentVersion,
    generation: GenerationNumber,
    depth: Depth,
    audit: &mut Audit,
) -> Result<(), AuditError> {
    let name = TextName { document: document.id, version: version.version, generation };
    let wrong = if depth.deep {
        match stores.blobs.text(document.id, version.version, generation).await {
            Ok(text) => {
                let chunks = stores.metadata.chunks_of(document.id).await?;
                misplaced(&text.text, &chunks).map(|_| "is not what its passages were cut from".to_owned())
            }
            Err(BlobStoreError::NotFound(_)) => Some("is missing".to_owned()),
            Err(BlobStoreError::Damaged(_, why)) => Some(format!("is damaged: {why}")),
            Err(error) => return Err(error.into()),
        }
    } else {
        (!stores.blobs.has_text(name).await?).then(|| "is missing".to_owned())
    };
    // What was replaced or deleted while it was looked at is not missing.
    if let Some(why) = wrong
        && still(stores, document, version).await?
    {
        audit.problems.push(Problem::BadText(indexed(document, version.version, generation), why));
    }
    Ok(())
}

async fn original(
    stores: Stores<'_>,
    document: &Document,
    version: &DocumentVersion,
    generation: GenerationNumber,
    depth: Depth,
    audit: &mut Audit,
) -> Result<(), AuditError> {
    let wrong = match stores.blobs.original_size(&version.sha256).await {
        Ok(size) if size != version.size_bytes => {
            Some(format!("is damaged: it has {size} bytes and not {}", version.size_bytes))
        }
        Ok(_) if depth.deep => {
            let found = sum(stores, &version.sha256).await?;
            (found != version.sha256).then(|| format!("is damaged: its sha256 is now {found}"))
        }
        Ok(_) => None,
        Err(BlobStoreError::NotFound(_)) => Some("is missing".to_owned()),
        Err(error) => return Err(error.into()),
    };
    if let Some(why) = wrong
        && still(stores, document, version).await?
    {
        audit.problems.push(Problem::BadOriginal(indexed(document, version.version, generation), why));
    }
    Ok(())
}

async fn sum(stores: Stores<'_>, sha256: &str) -> Result<String, AuditError> {
    let mut hash = Sha256::new();
    let mut stream = stores.blobs.read_original(sha256).await?;
    while let Some(piece) = stream.next().await {
        hash.update(&piece?);
    }
    Ok(hex::encode(hash.finalize()))
}

/// Whether a version is still what it was when the list was read.
async fn still(stores: Stores<'_>, document: &Document, version: &DocumentVersion) -> Result<bool, AuditError> {
    match stores.metadata.document(document.id).await {
        Ok(now) => {
            let is_now = |of: &DocumentVersion| of.version == version.version && of.state == version.state;
            Ok(now.active.as_ref().is_some_and(is_now) || is_now(&now.latest))
        }
        Err(MetadataStoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn adapters(stores: Stores<'_>, audit: &mut Audit) -> Result<(), AuditError> {
    let mut cursor = None;
    loop {
        let page = stores.metadata.adapters(AdapterQuery { cursor, limit: PAGE, ..AdapterQuery::default() }).await?;
        for adapter in page.items {
            match stores.blobs.folder(FolderKind::Adapter, &adapter.sha256).await {
                Ok(files) if files.values().map(|bytes| bytes.len() as u64).sum::<u64>() == adapter.size_bytes => {}
                Ok(_) | Err(BlobStoreError::NotFound(_)) => {
                    audit.problems.push(Problem::AdapterWithoutFiles(adapter.label()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

async fn unnamed_texts(
    stores: Stores<'_>,
    generations: &HashSet<GenerationNumber>,
    audit: &mut Audit,
) -> Result<(), AuditError> {
    let mut texts = stores.blobs.texts();
    while let Some(found) = texts.next().await {
        match found? {
            Ok(name) if !generations.contains(&name.generation) => audit.problems.push(Problem::UnnamedText(name)),
            Ok(name) => match stores.metadata.version_source(name.document, name.version).await {
                Ok(_) => {}
                Err(MetadataStoreError::NotFound { .. }) => audit.problems.push(Problem::UnnamedText(name)),
                Err(error) => return Err(error.into()),
            },
            Err(key) => audit.problems.push(Problem::Foreign(key)),
        }
    }
    Ok(())
}

async fn unnamed_originals(stores: Stores<'_>, audit: &mut Audit) -> Result<(), AuditError> {
    let mut originals = stores.blobs.originals().ready_chunks(PAGE as usize);
    while let Some(found) = originals.next().await {
        let mut sums = Vec::new();
        for name in found {
            match name? {
                Ok(sum) => sums.push(sum),
                Err(key) => audit.problems.push(Problem::Foreign(key)),
            }
        }
        let named: HashSet<String> = stores.metadata.known_blobs(&sums).await?.into_iter().collect();
        let unnamed = sums.into_iter().filter(|sum| !named.contains(sum));
        audit.problems.extend(unnamed.map(Problem::UnnamedOriginal));
    }
    Ok(())
}
