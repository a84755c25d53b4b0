//! Answering with models that do as they are told, over passages that a test writes down.
//!
//! `index` puts documents into the index of a test, `vectors` is its vector store.

#![allow(clippy::unwrap_used)]

mod index;
mod vectors;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{
    AnswerError, AnswerEvent, AnswerServices, Evidence, PreparedPart, RetrieveServices, Searched, answer_over,
    postfilter::testing::passage,
    vocabulary::{Bounds, Vocabularies},
};
use crate::{
    blob_store::BlobStore,
    domain::{EmbedderStamp, ExtractedDocument, Outcome, Question, Stages, text::CodePointRange},
    metadata_store::sqlite::SqliteStore,
    models::{
        embedder::{Embedder, EmbedderError, Embedders, NoOthers, TokenCounter},
        encoder::{BestSpan, Decision, PairError, PairScorer, ReaderError, SpanReader, TitledPassage},
        generator::{GenerateRequest, Generated, Generator, GeneratorError, Message, StopReason},
        lexical::Lexical,
    },
};
pub use index::Indexed;
pub use vectors::VectorsInMemory;

/// A question as a user asks it.
pub fn question(text: &str) -> Question {
    Question::new(text)
}

/// The same as the only part of a request.
pub fn part(text: &str) -> PreparedPart {
    PreparedPart { asked: text.to_owned(), interpreted: text.to_owned(), after_the_last: None }
}

type Spans = Result<Vec<Option<BestSpan>>, ReaderError>;
type Script = dyn Fn(&str, &[TitledPassage]) -> Spans + Send + Sync;

/// A reader that finds what a script says.
pub struct ScriptedReader {
    script: Box<Script>,
    seen: Mutex<Vec<(String, Vec<TitledPassage>)>>,
}

impl ScriptedReader {
    /// A reader with this script.
    pub fn new(script: impl Fn(&str, &[TitledPassage]) -> Spans + Send + Sync + 'static) -> Self {
        Self { script: Box::new(script), seen: Mutex::default() }
    }

    /// Finds these words, with this score, in every passage that holds them.
    pub fn finding(words: &'static str, score: f32) -> Self {
        Self::finding_each(vec![(words, score)])
    }

    /// Finds in every passage the first of these words that it holds, with their score.
    pub fn finding_each(known: Vec<(&'static str, f32)>) -> Self {
        let find = move |passage: &TitledPassage| {
            let (words, score) = known.iter().find(|(words, _)| passage.text.contains(words))?;
            let start = passage.text[..passage.text.find(words)?].chars().count() as u32;
            let range = CodePointRange { start, end: start + words.chars().count() as u32 };
            Some(BestSpan { range, score: *score })
        };
        Self::new(move |_, passages| Ok(passages.iter().map(&find).collect()))
    }

    /// What it was given.
    pub fn seen(&self) -> Vec<(String, Vec<TitledPassage>)> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl SpanReader for ScriptedReader {
    fn name(&self) -> &str {
        "scripted-reader"
    }

    fn decision(&self) -> Decision {
        Decision::UNFITTED
    }

    async fn read(&self, question: String, passages: Vec<TitledPassage>) -> Spans {
        self.seen.lock().unwrap().push((question.clone(), passages.clone()));
        (self.script)(&question, &passages)
    }
}

type PairScript = dyn Fn(&str, &str) -> Vec<f32> + Send + Sync;

/// A model of pairs that says what a script says.
pub struct ScriptedPairs {
    labels: Vec<String>,
    script: Box<PairScript>,
}

impl ScriptedPairs {
    /// With these labels; the script gives the score of each.
    pub fn new(labels: &[&str], script: impl Fn(&str, &str) -> Vec<f32> + Send + Sync + 'static) -> Self {
        Self { labels: labels.iter().map(|label| (*label).to_owned()).collect(), script: Box::new(script) }
    }
}

#[async_trait]
impl PairScorer for ScriptedPairs {
    fn name(&self) -> &str {
        "scripted-pairs"
    }

    fn labels(&self) -> &[String] {
        &self.labels
    }

    fn threshold(&self, _: &str) -> Option<f32> {
        None
    }

    async fn score(&self, pairs: Vec<(String, String)>) -> Result<Vec<Vec<f32>>, PairError> {
        Ok(pairs.iter().map(|(first, second)| (self.script)(first, second)).collect())
    }
}

/// A generator that always writes the same.
pub struct ScriptedGenerator {
    draft: String,
    prompts: Mutex<Vec<String>>,
}

impl ScriptedGenerator {
    /// The user's message of each prompt.
    pub fn prompts(&self) -> Vec<String> {
        self.prompts.lock().unwrap().clone()
    }
}

#[async_trait]
impl Generator for ScriptedGenerator {
    fn name(&self) -> &str {
        "scripted"
    }

    fn adapter(&self) -> Option<&str> {
        None
    }

    fn context_window(&self) -> u32 {
        4_096
    }

    fn count_tokens(&self, text: &str) -> Result<u32, GeneratorError> {
        Ok(text.split_whitespace().count() as u32)
    }

    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<u32, GeneratorError> {
        messages.iter().map(|message| self.count_tokens(&message.content)).sum()
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        pieces: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GeneratorError> {
        self.prompts.lock().unwrap().push(request.messages.last().unwrap().content.clone());
        for piece in self.draft.split_inclusive(' ') {
            pieces.as_ref().unwrap().send(piece.to_owned()).await.map_err(|_| GeneratorError::Stopped)?;
        }
        Ok(Generated {
            text: self.draft.clone(),
            prompt_tokens: self.count_prompt_tokens(&request.messages)?,
            completion_tokens: self.count_tokens(&self.draft)?,
            stop: StopReason::EndToken,
        })
    }
}

/// Texts with the same words are near each other.
pub struct WordsInCommon {
    stamp: EmbedderStamp,
    questions: AtomicUsize,
}

impl WordsInCommon {
    /// How many questions it was given.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }

    fn vector(text: &str) -> Vec<f32> {
        let mut vector = vec![0.0f32; 512];
        let terms = Lexical::new().question(text);
        for (dimension, weight) in terms.indices.iter().zip(terms.values) {
            vector[*dimension as usize % 512] += weight;
        }
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-6);
        vector.iter().map(|number| number / length).collect()
    }
}

#[async_trait]
impl Embedder for WordsInCommon {
    fn stamp(&self) -> &EmbedderStamp {
        &self.stamp
    }

    fn max_tokens(&self) -> usize {
        256
    }

    fn token_counter(&self) -> TokenCounter {
        Arc::new(|text| text.split_whitespace().count())
    }

    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
        Ok(texts.iter().map(|text| Self::vector(text)).collect())
    }

    async fn embed_question(&self, text: String) -> Result<Vec<f32>, EmbedderError> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        Ok(Self::vector(&text))
    }
}

/// Everything that answering works with, scripted.
pub struct Scripted {
    pub services: AnswerServices,
    pub embedder: Arc<WordsInCommon>,
    pub vectors: Arc<VectorsInMemory>,
    pub reader: Option<Arc<ScriptedReader>>,
    pub generator: Arc<ScriptedGenerator>,
    _dir: TempDir,
}

impl Scripted {
    /// With this reader, a generator that writes `draft`, and an empty index.
    pub async fn new(reader: Option<ScriptedReader>, draft: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let stamp = EmbedderStamp {
            name: "words in common".to_owned(),
            dimension: 512,
            sha256: String::new(),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            folder: None,
        };
        let embedder = Arc::new(WordsInCommon { stamp, questions: AtomicUsize::new(0) });
        let (vectors, reader) = (Arc::new(VectorsInMemory::default()), reader.map(Arc::new));
        let generator = Arc::new(ScriptedGenerator { draft: draft.to_owned(), prompts: Mutex::default() });
        let metadata = Arc::new(SqliteStore::connect(&dir.path().join("footnote.db")).await.unwrap());
        let services = AnswerServices {
            vocabulary: Vocabularies::new(metadata.clone(), Vec::new(), Bounds::default()),
            retrieve: RetrieveServices {
                metadata,
                vectors: vectors.clone(),
                embedders: Arc::new(Embedders::new(embedder.clone(), Arc::new(NoOthers))),
                lexical: Arc::new(Lexical::new()),
            },
            blobs: BlobStore::in_memory(),
            reader: reader.clone().map(|reader| reader as Arc<dyn SpanReader>),
            support: None,
            reranker: None,
            generator: generator.clone(),
            stages: Stages::default(),
            redact: BTreeSet::new(),
            calibration: None,
        };
        Self { services, embedder, vectors, reader, generator, _dir: dir }
    }

    /// The evidence that these passages are, each a document of its own that is stored.
    pub async fn evidence(&self, question: &str, texts: &[&str]) -> Evidence {
        let mut passages = Vec::new();
        for text in texts {
            let passage = passage(text);
            let stored = ExtractedDocument { text: (*text).to_owned(), ..ExtractedDocument::default() };
            self.services.blobs.put_text(passage.chunk.document_id, 1, 1, &stored).await.unwrap();
            passages.push(passage);
        }
        Evidence { generation: 1, passages, question_vector: WordsInCommon::vector(question) }
    }

    /// What comes of a question when these passages were found.
    pub async fn ask(&self, question: &str, texts: &[&str]) -> Result<Outcome, AnswerError> {
        self.ask_over(question, self.evidence(question, texts).await, None).await
    }

    /// The same over given evidence, with a listener.
    pub async fn ask_over(
        &self,
        question: &str,
        evidence: Evidence,
        events: Option<mpsc::Sender<AnswerEvent>>,
    ) -> Result<Outcome, AnswerError> {
        let (outcome, _) =
            answer_over(&self.services, self::question(question), &Searched::Given(evidence), &events).await?;
        Ok(outcome)
    }
}
