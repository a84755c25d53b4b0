//! Embedders that tell, or hide, what they are given.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use footnote::{
    domain::EmbedderStamp,
    models::embedder::{Embedder, EmbedderError, TokenCounter},
};

/// An embedder that counts the passages that it is given.
pub struct Counting {
    pub inner: Arc<dyn Embedder>,
    pub texts: AtomicU64,
}

#[async_trait]
impl Embedder for Counting {
    fn stamp(&self) -> &EmbedderStamp {
        self.inner.stamp()
    }

    fn max_tokens(&self) -> usize {
        self.inner.max_tokens()
    }

    fn token_counter(&self) -> TokenCounter {
        self.inner.token_counter()
    }

    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
        self.texts.fetch_add(texts.len() as u64, Ordering::Relaxed);
        self.inner.embed_passages(texts).await
    }

    async fn embed_passages_first(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
        self.inner.embed_passages_first(texts).await
    }

    async fn embed_question(&self, text: String) -> Result<Vec<f32>, EmbedderError> {
        self.inner.embed_question(text).await
    }
}

/// An embedder to which every passage is the same.
pub struct Blind(pub Arc<dyn Embedder>);

#[async_trait]
impl Embedder for Blind {
    fn stamp(&self) -> &EmbedderStamp {
        static STAMP: std::sync::LazyLock<EmbedderStamp> = std::sync::LazyLock::new(|| EmbedderStamp {
            name: "blind".to_owned(),
            dimension: 384,
            sha256: "b".repeat(64),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            folder: None,
        });
        &STAMP
    }

    fn max_tokens(&self) -> usize {
        self.0.max_tokens()
    }

    fn token_counter(&self) -> TokenCounter {
        self.0.token_counter()
    }

    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
        self.0.embed_passages(vec!["the same".to_owned(); texts.len()]).await
    }

    async fn embed_question(&self, text: String) -> Result<Vec<f32>, EmbedderError> {
        self.0.embed_question(text).await
    }
}
