//! The embedders of the index's generations: each is searched with the one that built it.
//!
//! While an index is built anew with another embedder, and for as long as the one before can be gone back to, two of
//! them are loaded. May depend on `domain` and the parent module.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Embedder, EmbedderError};
use crate::domain::{EmbedderStamp, Generation, GenerationNumber, GenerationState};

/// Loads the embedder that a generation was built with.
pub trait OpenEmbedder: Send + Sync + 'static {
    /// Loads it from where the stamp says. Blocks for about a second.
    fn open(&self, stamp: &EmbedderStamp) -> Result<Arc<dyn Embedder>, EmbedderError>;
}

/// The embedder that the configuration names, and those that generations need besides.
pub struct Embedders {
    configured: Arc<dyn Embedder>,
    opener: Arc<dyn OpenEmbedder>,
    state: Mutex<State>,
    /// Held while one is loaded, so that it is loaded once.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    generations: BTreeMap<GenerationNumber, Arc<dyn Embedder>>,
    serving: Option<Arc<dyn Embedder>>,
}

impl Embedders {
    /// With the one that is configured, which is loaded, and what loads others.
    pub fn new(configured: Arc<dyn Embedder>, opener: Arc<dyn OpenEmbedder>) -> Self {
        Self { configured, opener, state: Mutex::default(), opening: tokio::sync::Mutex::default() }
    }

    /// The one that the configuration names: what new generations are built with.
    pub fn configured(&self) -> &Arc<dyn Embedder> {
        &self.configured
    }

    /// The one of the generation that answers questions, as far as this process knows; before there is one, the one
    /// that is configured.
    pub fn serving(&self) -> Arc<dyn Embedder> {
        self.state().serving.clone().unwrap_or_else(|| self.configured.clone())
    }

    /// The one of a generation that was searched before; the one that serves where that is not known.
    pub fn of_searched(&self, generation: GenerationNumber) -> Arc<dyn Embedder> {
        let known = self.state().generations.get(&generation).cloned();
        known.unwrap_or_else(|| self.serving())
    }

    /// The one of a generation, which is loaded where it is not there yet. Embedders of generations that are older than
    /// the one before this are let go.
    pub async fn of(&self, generation: &Generation) -> Result<Arc<dyn Embedder>, EmbedderError> {
        let known = self.state().generations.get(&generation.number).cloned();
        let embedder = match known {
            Some(known) => known,
            None => self.load(generation).await?,
        };
        if generation.state == GenerationState::Active {
            self.state().serving = Some(embedder.clone());
        }
        Ok(embedder)
    }

    async fn load(&self, generation: &Generation) -> Result<Arc<dyn Embedder>, EmbedderError> {
        let stamp = &generation.stamp.embedder;
        let _alone = self.opening.lock().await;
        let mut loaded = vec![self.configured.clone()];
        loaded.extend(self.state().generations.values().cloned());
        let same = loaded.into_iter().find(|embedder| embedder.stamp().is_same(stamp));
        let embedder = match same {
            Some(same) => same,
            None => {
                let (opener, stamp) = (self.opener.clone(), stamp.clone());
                let opened = tokio::task::spawn_blocking(move || opener.open(&stamp)).await;
                opened.map_err(|error| EmbedderError::Inference(format!("loading it panicked: {error}")))??
            }
        };
        let found = embedder.stamp();
        if !found.is_same(stamp) {
            return Err(EmbedderError::Model {
                path: stamp.folder.clone().unwrap_or_else(|| "the models that are fetched".to_owned()),
                reason: format!("`{}` is needed, and there is `{}`", stamp.described(), found.described()),
            });
        }
        let mut state = self.state();
        state.generations.insert(generation.number, embedder.clone());
        // One that is gone is not asked for again; in doubt it is loaded once more.
        while state.generations.len() > GENERATIONS {
            state.generations.pop_first();
        }
        Ok(embedder)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many generations are remembered: one that is built, the one that serves, and the one before.
const GENERATIONS: usize = 3;

impl std::fmt::Debug for Embedders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedders").field("configured", self.configured.stamp()).finish_non_exhaustive()
    }
}

/// For a program that has one embedder and no index of others.
#[derive(Debug)]
pub struct NoOthers;

impl OpenEmbedder for NoOthers {
    fn open(&self, stamp: &EmbedderStamp) -> Result<Arc<dyn Embedder>, EmbedderError> {
        Err(EmbedderError::Model { path: stamp.described(), reason: "it is not configured here".to_owned() })
    }
}
