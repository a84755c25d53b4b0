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

/// How many generations are remembered: one that is built, the one that serves, and the one before.
const GENERATIONS: usize = 3;

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

impl State {
    /// Remembers the embedder of a generation, and lets go of the oldest ones that do not serve. The number says little
    /// about that: a rollback serves an old one.
    fn remember(&mut self, generation: GenerationNumber, embedder: Arc<dyn Embedder>) {
        self.generations.insert(generation, embedder);
        while self.generations.len() > GENERATIONS {
            let serves = |one: &Arc<dyn Embedder>| self.serving.as_ref().is_some_and(|other| Arc::ptr_eq(one, other));
            let gone = self.generations.iter().find(|(number, one)| **number != generation && !serves(one));
            let Some(gone) = gone.map(|(number, _)| *number) else { return };
            self.generations.remove(&gone);
        }
    }
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

    /// The one of a generation, which is loaded where it is not there yet.
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
        self.state().remember(generation.number, embedder.clone());
        Ok(embedder)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use chrono::Utc;

    use super::*;
    use crate::{domain::IndexStamp, models::embedder::TokenCounter};

    struct Named(EmbedderStamp);

    #[async_trait]
    impl Embedder for Named {
        fn stamp(&self) -> &EmbedderStamp {
            &self.0
        }

        fn max_tokens(&self) -> usize {
            8
        }

        fn token_counter(&self) -> TokenCounter {
            Arc::new(str::len)
        }

        async fn embed_passages(&self, _: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
            Ok(Vec::new())
        }

        async fn embed_question(&self, _: String) -> Result<Vec<f32>, EmbedderError> {
            Ok(Vec::new())
        }
    }

    /// Counts what it opens; of the name `changed` it finds another one.
    struct Opener(AtomicUsize);

    impl OpenEmbedder for Opener {
        fn open(&self, stamp: &EmbedderStamp) -> Result<Arc<dyn Embedder>, EmbedderError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let found = if stamp.name == "changed" { named("new") } else { stamp.clone() };
            Ok(Arc::new(Named(found)))
        }
    }

    fn named(name: &str) -> EmbedderStamp {
        EmbedderStamp {
            name: name.to_owned(),
            dimension: 3,
            sha256: name.repeat(8),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            folder: None,
        }
    }

    fn generation(number: GenerationNumber, state: GenerationState, name: &str) -> Generation {
        let stamp = IndexStamp { embedder: named(name), chunker: String::new(), lexical: String::new() };
        Generation { number, state, stamp, created_at: Utc::now(), activated_at: None }
    }

    #[tokio::test]
    async fn what_serves_stays_loaded_however_old_its_generation_is() {
        let opener = Arc::new(Opener(AtomicUsize::new(0)));
        let embedders = Embedders::new(Arc::new(Named(named("new"))), opener.clone());
        assert_eq!(embedders.serving().stamp().name, "new", "before there is an index");
        // Gone back to the first one, while others are built.
        for number in 2..9 {
            embedders.of(&generation(number, GenerationState::Building, "new")).await.unwrap();
            let active = embedders.of(&generation(1, GenerationState::Active, "old")).await.unwrap();
            assert_eq!(active.stamp().name, "old");
        }
        assert_eq!(opener.0.load(Ordering::Relaxed), 1, "it was loaded once, and the configured one never");
        assert_eq!(embedders.serving().stamp().name, "old");
        assert_eq!(embedders.of_searched(1).stamp().name, "old");
        assert_eq!(embedders.of_searched(8).stamp().name, "new");
    }

    #[tokio::test]
    async fn another_embedder_in_the_same_place_is_refused_by_name() {
        let embedders = Embedders::new(Arc::new(Named(named("new"))), Arc::new(Opener(AtomicUsize::new(0))));
        let Err(error) = embedders.of(&generation(1, GenerationState::Active, "changed")).await else {
            panic!("it was taken")
        };
        assert!(!error.is_transient() && error.to_string().contains("changed@"), "{error}");
    }
}
