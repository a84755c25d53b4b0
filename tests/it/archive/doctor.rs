//! Every kind of damage is found, and what can be mended is mended.

use footnote::{
    audit::{self, Indexed, Problem},
    blob_store::{BlobStore, TextName},
    domain::{ChunkId, DocumentId, Metadata},
    vector_store::{Point, SparseVector, VectorStore, qdrant_edge::QdrantEdge},
};
use serde_json::Value;

use crate::{program::Program, sample, test_app::TestApp};

/// What is nobody's, and of no harm.
fn notes(found: &Value) -> String {
    let notes = found.as_array().unwrap().iter().filter(|finding| finding["ok"] == true);
    notes.map(|finding| finding["what"].as_str().unwrap().to_owned() + "\n").collect()
}

fn problems(found: &Value) -> Vec<String> {
    let found = found.as_array().unwrap().iter().filter(|finding| finding["ok"] == false);
    found.map(|finding| finding["what"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_is_found_and_mended() {
    let app = TestApp::start().await;
    let ids = app.ingest_form(sample::form()).await;
    app.settle().await;
    let before = super::answers(&app).await;
    let [canteen, parking, library]: [DocumentId; 3] =
        ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap();
    let parking_sum =
        app.read(&format!("/v1/documents/{parking}")).await["active"]["sha256"].as_str().unwrap().to_owned();
    let chunks = app.app.metadata.counts().await.unwrap().chunks;
    let (config, dir) = app.stop().await;
    let program = Program::new(&config.data_dir).await;
    let clean = program.run(&["doctor", "--deep", "--json"]).await;
    assert_eq!((clean.code, problems(&clean.json())), (Some(0), vec![]), "{clean:?}");

    // All of it at once.
    let stray = "ab".repeat(32);
    let original = config.data_dir.join("blobs/originals").join(&parking_sum[..2]).join(&parking_sum);
    {
        let vectors = QdrantEdge::open(&config.data_dir.join("vectors")).unwrap();
        vectors.delete_points(1, &[ChunkId::derive(canteen, 1, 1, 0)]).await.unwrap();
        let orphan = Point {
            chunk_id: ChunkId::derive(DocumentId::new(), 1, 1, 0),
            document_id: DocumentId::new(),
            version: 1,
            collection: "default".to_owned(),
            metadata: Metadata::new(),
            access: Vec::new(),
            dense: vec![0.05; 384],
            sparse: SparseVector::default(),
        };
        vectors.upsert(1, vec![orphan]).await.unwrap();
        vectors.create_generation(9, 384).await.unwrap();
        let blobs = BlobStore::open(&config.blob_url).unwrap();
        let name = TextName { document: library, version: 1, generation: 1 };
        let bytes = blobs.text_bytes(name).await.unwrap();
        blobs.delete_text(name).await.unwrap();
        blobs.put_text_bytes(TextName { generation: 7, ..name }, bytes.clone()).await.unwrap();
        blobs.put_text_bytes(TextName { document: DocumentId::new(), ..name }, bytes).await.unwrap();
        let file = dir.as_ref().unwrap().path().join("stray");
        std::fs::write(&file, b"nobody's").unwrap();
        blobs.put_original(&stray, &file).await.unwrap();
        // The same length, other bytes: only a close look tells.
        std::fs::write(&original, sample::PARKING.replace("four hours", "five hours")).unwrap();
    }
    let look = program.run(&["doctor", "--json"]).await;
    let found = problems(&look.json()).join("\n");
    assert_eq!(look.code, Some(1), "{look:?}");
    for words in ["generation 9", "1 vectors without a passage", "1 passages of canteen.md", "text of library.md"] {
        assert!(found.contains(words), "{words} in {found}");
    }
    let noted = notes(&look.json());
    assert!(noted.contains(&stray), "{noted}");
    assert_eq!(noted.matches("which the database does not know").count(), 2, "{noted}");
    assert!(!found.contains("parking.md"), "{found}");
    let deep = program.run(&["doctor", "--deep", "--json"]).await;
    let found_again = problems(&deep.json()).join("\n");
    assert!(found_again.contains("the original of parking.md") && found_again.contains("damaged"), "{found_again}");
    // Looking has changed nothing.
    assert_eq!(problems(&program.run(&["doctor", "--json"]).await.json()).join("\n"), found);

    let mended = program.run(&["doctor", "--deep", "--repair", "--json"]).await;
    let left = problems(&mended.json());
    assert_eq!(mended.code, Some(1), "{mended:?}");
    assert!(left.len() == 1 && left[0].contains("parking.md") && left[0].contains("upload"), "{left:?}");
    let done = mended.json().as_array().unwrap().iter().filter(|finding| finding["mended"] == true).count();
    assert_eq!(done, 7, "{mended:?}");
    std::fs::write(&original, sample::PARKING).unwrap();
    let clean = program.run(&["doctor", "--deep", "--json"]).await;
    assert_eq!((clean.code, problems(&clean.json())), (Some(0), vec![]), "{clean:?}");

    let app = TestApp::start_from(config).await;
    assert_eq!(app.app.vectors.count(1, None).await.unwrap(), chunks);
    assert_eq!(super::answers(&app).await, before);
    drop(dir);
}

/// Of a check that another process overtook.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_was_replaced_since_it_was_looked_at_is_not_mended() {
    let app = TestApp::start().await;
    let id = app.ingest("parking.md", sample::PARKING).await;
    app.ingest("parking.md", sample::PARKING.replace("four hours", "five hours")).await;
    app.settle().await;
    let document: DocumentId = id.parse().unwrap();
    let points = app.app.vectors.count(1, Some(document)).await.unwrap();
    let before = || Indexed { document, name: "parking.md".to_owned(), version: 1, generation: 1 };
    for problem in [Problem::WithoutVectors(before(), 1), Problem::BadText(before(), "is missing".to_owned())] {
        let told = audit::mend_with_models(&app.app.ingest, &problem).await.unwrap().unwrap_err();
        assert!(told.contains("was replaced or deleted meanwhile"), "{told}");
    }
    assert_eq!(app.app.vectors.count(1, Some(document)).await.unwrap(), points);
    let old = TextName { document, version: 1, generation: 1 };
    assert!(!app.app.ingest.blobs.has_text(old).await.unwrap(), "nobody would remove it");
    let now = Indexed { version: 2, ..before() };
    audit::mend_with_models(&app.app.ingest, &Problem::WithoutVectors(now, 1)).await.unwrap().unwrap();
    assert_eq!(app.app.vectors.count(1, Some(document)).await.unwrap(), points);
    // The purge of the first version takes nothing of the second.
    app.app.vectors.delete_document(1, document, Some(1)).await.unwrap();
    assert_eq!(app.app.vectors.count(1, Some(document)).await.unwrap(), points);
}
