//! Mending what a check found, as far as it is safe.

use super::{AuditError, Depth, Problem, Stores};
use crate::ingest::{IngestServices, mend};

/// What became of a problem.
pub type Mended = Result<String, String>;

/// Mends what needs no models: removes what nobody needs. `None` for what is not mended here.
///
/// With other processes at work, an original that nobody names may be one that is being uploaded at this moment, and a
/// text one that is being ingested: those are left alone unless `depth.alone`.
pub async fn mend_stores(stores: Stores<'_>, depth: Depth, problem: &Problem) -> Result<Option<Mended>, AuditError> {
    Ok(match problem {
        Problem::UnknownGeneration(number) => {
            stores.vectors.drop_generation(*number).await?;
            Some(Ok(format!("generation {number} was removed from the vector store")))
        }
        Problem::Orphans(generation, ids) => {
            // Looked up once more: what was committed meanwhile is no orphan.
            let mut removed = 0;
            for ids in ids.chunks(1_000) {
                let known = stores.metadata.chunks_by_id(*generation, ids).await?;
                let orphan = |id: &&_| known.iter().all(|found| found.chunk.id != **id);
                let orphans: Vec<_> = ids.iter().filter(orphan).copied().collect();
                stores.vectors.delete_points(*generation, &orphans).await?;
                removed += orphans.len();
            }
            Some(Ok(format!("{removed} vectors without a passage were removed from generation {generation}")))
        }
        Problem::UnnamedOriginal(_) | Problem::UnnamedText(_) if !depth.alone => Some(Err(
            "left as it is: another process may be about to name it. Stop all others, and say --alone".to_owned(),
        )),
        Problem::UnnamedOriginal(sum) => {
            stores.blobs.delete_original(sum).await?;
            Some(Ok(format!("the original {sum} was removed")))
        }
        Problem::UnnamedText(name) => {
            stores.blobs.delete_text(*name).await?;
            Some(Ok(format!("the text of version {} of {} was removed", name.version, name.document)))
        }
        Problem::UnusableGeneration(..) => Some(Err("run `footnote reindex`".to_owned())),
        Problem::AdapterWithoutFiles(_) => Some(Err("import it again, or restore a backup".to_owned())),
        Problem::Foreign(_) => Some(Err("left as it is".to_owned())),
        Problem::BadOriginal(..) => Some(Err("upload the file again, or restore a backup".to_owned())),
        Problem::WithoutVectors(..) | Problem::BadText(..) => None,
    })
}

/// Mends what is made again with the models. `None` for what is not mended here.
pub async fn mend_with_models(services: &IngestServices, problem: &Problem) -> Option<Mended> {
    match problem {
        Problem::WithoutVectors(indexed, _) => {
            let made = mend::vectors(services, indexed.document, indexed.version, indexed.generation).await;
            Some(made.map(|()| format!("the passages of {indexed} were embedded again")).map_err(|e| e.to_string()))
        }
        Problem::BadText(indexed, _) => {
            match mend::text(services, indexed.document, indexed.version, indexed.generation).await {
                Ok(true) => Some(Ok(format!("the text of {indexed} was extracted again"))),
                Ok(false) => Some(Err(format!(
                    "the text that is extracted from {indexed} now is not what its passages were cut from: run \
                     `footnote reindex`"
                ))),
                Err(error) => Some(Err(error.to_string())),
            }
        }
        _ => None,
    }
}
