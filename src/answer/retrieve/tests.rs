#![allow(clippy::unwrap_used)]

use uuid::Uuid;

use super::*;
use crate::{
    answer::{
        preprocess::preprocess,
        testing::{Indexed, Scripted, question},
    },
    domain::{ChunkId, DocumentId, TurnSource, text::CodePointRange},
};

fn chunk(document: u128, ordinal: u32) -> FoundChunk {
    let id = ChunkId(Uuid::from_u128(1_000 - document * 10 - u128::from(ordinal)));
    let range = CodePointRange { start: 0, end: 4 };
    FoundChunk {
        chunk: Chunk {
            id,
            document_id: DocumentId(Uuid::from_u128(document)),
            version: 1,
            ordinal,
            range,
            text: "text".to_owned(),
            context: String::new(),
            heading_path: Vec::new(),
            page: None,
            tokens: 1,
        },
        name: "name".to_owned(),
        title: None,
    }
}

/// A document of one passage.
const LEASE: Indexed<'_> = Indexed {
    collection: DEFAULT_COLLECTION,
    name: "leases.md",
    title: "Leases",
    heading: "Length",
    text: "A lease lasts sixty seconds.",
    access: &[],
    metadata: &[],
};

/// The same passages in every order that a store may return them in.
#[test]
fn equal_scores_come_by_document_and_place() {
    let hits = [(chunk(2, 0), 0.5), (chunk(1, 1), 0.5), (chunk(1, 0), 0.5), (chunk(3, 0), 1.0)];
    for start in 0..4 {
        let turned = (0..4).map(|n| &hits[(start + n) % 4]);
        let (found, scored) = turned
            .map(|(found, score)| (found.clone(), ScoredChunk { chunk_id: found.chunk.id, score: *score }))
            .unzip();
        let order: Vec<_> = join(scored, found)
            .iter()
            .map(|passage| (passage.chunk.document_id.0.as_u128(), passage.chunk.ordinal))
            .collect();
        assert_eq!(order, [(3, 0), (1, 0), (1, 1), (2, 0)]);
    }
}

#[test]
fn a_passage_that_is_not_visible_is_left_out() {
    let (seen, gone) = (chunk(1, 0), chunk(1, 1));
    let hits = [&gone, &seen].map(|found| ScoredChunk { chunk_id: found.chunk.id, score: 1.0 });
    let passages = join(hits.to_vec(), vec![seen.clone()]);
    assert_eq!(passages.iter().map(|passage| passage.chunk.id).collect::<Vec<_>>(), [seen.chunk.id]);
}

#[tokio::test]
async fn what_a_history_names_is_read_again_in_the_collection_that_is_asked_only() {
    let scripted = Scripted::new(None, "").await;
    let board = Indexed { collection: "board", name: "board.md", text: "The board meets on Monday.", ..LEASE };
    let mut prepared = preprocess(&scripted.services, question("How long does a lease last?")).await.unwrap();
    for document in [board, LEASE] {
        let document_id = scripted.ingest(&document).await;
        let chunk_id = ChunkId::derive(document_id, 1, 1, 0);
        prepared.carried.push(TurnSource { document_id, chunk_id, name: String::new(), heading: None });
    }
    for (collection, expected) in [(DEFAULT_COLLECTION, "leases.md"), ("board", "board.md")] {
        prepared.collection = collection.to_owned();
        let mut evidence = Evidence { generation: 1, passages: Vec::new(), question_vector: Vec::new() };
        carry(&scripted.services.retrieve, &prepared, &mut evidence).await.unwrap();
        let names: Vec<&str> = evidence.passages.iter().map(|passage| passage.name.as_str()).collect();
        assert_eq!(names, [expected]);
    }
}

#[tokio::test]
async fn a_search_by_words_alone_asks_no_embedder() {
    let scripted = Scripted::new(None, "").await;
    let services = &scripted.services.retrieve;
    let found = async |ranking: RankingKind| {
        let request = SearchRequest {
            question: "How long does a lease last?".to_owned(),
            collection: None,
            filter: None,
            top_k: None,
            ranking,
            access: Access::everything(),
        };
        let before = scripted.embedder.questions();
        let response = search(services, request).await.unwrap();
        let names: Vec<String> = response.results.into_iter().map(|passage| passage.name).collect();
        (response.index, names, scripted.embedder.questions() - before)
    };
    // There is no generation yet.
    assert_eq!(found(RankingKind::Lexical).await, (0, vec![], 0));
    assert_eq!(found(RankingKind::Hybrid).await, (0, vec![], 1));
    scripted.ingest(&LEASE).await;
    for (ranking, embedded) in [(RankingKind::Lexical, 0), (RankingKind::Dense, 1), (RankingKind::Hybrid, 1)] {
        assert_eq!(found(ranking).await, (1, vec!["leases.md".to_owned()], embedded), "{ranking:?}");
    }
}
