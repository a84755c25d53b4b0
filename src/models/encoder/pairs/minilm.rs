//! A model of pairs for many callers, by turns (`turns`).
//!
//! Those who score share the cores with each other, the reader and the generator. May depend on the siblings and
//! `models::adapter`.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;

use super::{PairError, PairScorer, model::PairModel};
use crate::models::{
    adapter::AdapterFiles,
    cores::Cores,
    encoder::{
        EncoderError,
        turns::{NoTurn, Turns},
    },
};

/// MiniLM with a head for pairs, as a [`PairScorer`].
#[derive(Debug)]
pub struct MiniLmPairs {
    name: String,
    model: Arc<PairModel>,
    turns: Turns,
}

impl MiniLmPairs {
    /// Loads the files of a model onto the base model in `base`, to score on `cores` while `waiting` callers wait at most.
    /// `role` is what its name begins with, as in `support`. Blocks for as long as reading the files takes.
    pub fn load(
        role: &str,
        base: &Path,
        files: &AdapterFiles,
        cores: Arc<Cores>,
        waiting: usize,
    ) -> Result<Self, EncoderError> {
        let together = cores.all();
        let model = PairModel::load(base, files)?.with_threads(cores)?;
        Ok(Self::new(model, format!("minilm-{role}-{}", &files.sha256()[..12]), together, waiting))
    }

    /// A model that is loaded already, for `together` callers at a time.
    pub fn new(model: PairModel, name: String, together: usize, waiting: usize) -> Self {
        Self { name, model: Arc::new(model), turns: Turns::new(together, waiting) }
    }
}

#[async_trait]
impl PairScorer for MiniLmPairs {
    fn name(&self) -> &str {
        &self.name
    }

    fn labels(&self) -> &[String] {
        &self.model.settings().labels
    }

    fn threshold(&self, label: &str) -> Option<f32> {
        self.model.settings().thresholds.get(label).copied()
    }

    async fn score(&self, pairs: Vec<(String, String)>) -> Result<Vec<Vec<f32>>, PairError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let model = self.model.clone();
        let scored = self.turns.take(move || model.score(&pairs)).await.map_err(|reason| match reason {
            NoTurn::Busy => PairError::Busy { name: self.name.clone(), waiting: self.turns.waiting },
            NoTurn::Late => PairError::Timeout { name: self.name.clone(), seconds: self.turns.patience.as_secs() },
            NoTurn::Panicked(error) => PairError::Failed(format!("its code panicked: {error}")),
        })?;
        Ok(scored?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::time::Duration;

    use super::{super::model::tests::model, *};

    fn scorer() -> MiniLmPairs {
        MiniLmPairs::new(model(1), "pairs".to_owned(), 1, 1)
    }

    fn pairs() -> Vec<(String, String)> {
        vec![("abc".to_owned(), "def".to_owned()); 2]
    }

    #[tokio::test]
    async fn pairs_are_scored_and_who_finds_no_place_is_told() {
        let scorer = scorer();
        assert_eq!((scorer.labels().len(), scorer.threshold("supported")), (3, Some(0.5)));
        assert_eq!(scorer.threshold("unknown"), None);
        assert_eq!(scorer.score(pairs()).await.unwrap().len(), 2);
        let held = scorer.turns.places.clone().acquire_many_owned(2).await.unwrap();
        assert!(matches!(scorer.score(pairs()).await, Err(PairError::Busy { waiting: 1, .. })));
        assert!(scorer.score(Vec::new()).await.unwrap().is_empty());
        drop(held);
        assert!(scorer.score(pairs()).await.is_ok());
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_waited_for_so_long_and_no_longer() {
        let mut scorer = scorer();
        scorer.turns.patience = Duration::from_millis(1);
        let _turn = scorer.turns.turns.clone().acquire_owned().await.unwrap();
        let late = scorer.score(pairs()).await.unwrap_err();
        assert!(late.is_transient() && matches!(late, PairError::Timeout { .. }));
        assert_eq!(scorer.turns.places.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_first_text_that_is_too_long_says_so() {
        let long = scorer().score(vec![("abcdefghijk".to_owned(), "x".to_owned())]).await;
        assert!(matches!(long, Err(PairError::TextTooLong { tokens: 11, max: 8 })), "{long:?}");
    }
}
