//! Pairs into what a step learns from: a window with its label, or the windows of a group with the right one.
//!
//! A pair that needs several windows is left out, because which of them says it is not known; counted, as is whatever
//! else is left out. May depend on the encoder.

use std::collections::HashMap;

use serde::Serialize;

use super::{config::PairsTraining, data::groups};
use crate::{
    models::encoder::{
        EncoderError,
        features::{ReaderTokenizer, TextTokens, Window},
        pairs::settings::{PairLimits, meant},
    },
    train::{TrainError, dataset::pairs::Pair},
};

/// What a step learns from.
#[derive(Debug, Clone, PartialEq)]
pub struct PairItem {
    /// One window, or those of the pairs that compete.
    pub windows: Vec<Window>,
    /// Which labels, or which windows, are right.
    pub right: Vec<usize>,
    /// How much it counts.
    pub weight: f64,
}

/// What became of the pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PairCounts {
    /// Pairs that were given.
    pub pairs: usize,
    /// What is learned from: pairs, or groups.
    pub items: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Pairs that were left out because they need several windows.
    pub several_windows: usize,
    /// Pairs that were left out because their first text is too long.
    pub long_firsts: usize,
    /// Pairs that were left out because they are in no group, or in one without a right and a wrong pair.
    pub without_rivals: usize,
}

/// Makes items of pairs.
pub struct ItemMaker<'a> {
    tokenizer: &'a ReaderTokenizer,
    limits: PairLimits,
    training: &'a PairsTraining,
    seen: HashMap<String, TextTokens>,
    /// What happened so far.
    pub counts: PairCounts,
}

impl<'a> ItemMaker<'a> {
    /// A new one.
    pub fn new(tokenizer: &'a ReaderTokenizer, limits: PairLimits, training: &'a PairsTraining) -> Self {
        Self { tokenizer, limits, training, seen: HashMap::new(), counts: PairCounts::default() }
    }

    /// The items of all `pairs`.
    pub fn items(&mut self, pairs: &[Pair]) -> Result<Vec<PairItem>, TrainError> {
        self.counts.pairs += pairs.len();
        let mut items = Vec::new();
        if self.training.labels.len() > 1 {
            for pair in pairs {
                let right = self.meant(pair)?;
                let Some(window) = self.window(pair)? else { continue };
                let weight = self.training.weights.get(&pair.label).copied().unwrap_or(1.0);
                items.push(PairItem { windows: vec![window], right, weight });
            }
        } else {
            self.counts.without_rivals += pairs.iter().filter(|pair| pair.group.is_none()).count();
            for group in groups(pairs) {
                items.extend(self.competing(&group)?);
            }
        }
        self.counts.items += items.len();
        self.counts.tokens += items.iter().flat_map(|item| &item.windows).map(|w| w.tokens.len()).sum::<usize>();
        Ok(items)
    }

    fn competing(&mut self, group: &[&Pair]) -> Result<Option<PairItem>, TrainError> {
        let (mut windows, mut right) = (Vec::new(), Vec::new());
        for pair in group {
            let is_right = !self.meant(pair)?.is_empty();
            let Some(window) = self.window(pair)? else { continue };
            if is_right {
                right.push(windows.len());
            }
            windows.push(window);
        }
        if right.is_empty() || right.len() == windows.len() {
            self.counts.without_rivals += windows.len();
            return Ok(None);
        }
        Ok(Some(PairItem { windows, right, weight: 1.0 }))
    }

    fn meant(&self, pair: &Pair) -> Result<Vec<usize>, TrainError> {
        let known = &self.training.labels;
        meant(known, &pair.label).ok_or_else(|| TrainError::UnknownLabel {
            pair: pair.id.clone(),
            label: pair.label.clone(),
            known: known.join(", "),
        })
    }

    fn window(&mut self, pair: &Pair) -> Result<Option<Window>, TrainError> {
        let (first, second) = (self.tokens(&pair.first)?, self.tokens(&pair.second)?);
        let windows = self.tokenizer.windows(&first, &TextTokens::default(), &second, &self.limits.as_limits());
        match windows {
            Ok(windows) => {
                let mut windows = windows.windows;
                let only = if windows.len() == 1 { windows.pop() } else { None };
                self.counts.several_windows += usize::from(only.is_none());
                Ok(only)
            }
            Err(EncoderError::QuestionTooLong { .. }) => {
                self.counts.long_firsts += 1;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The tokens of a text; many pairs share one.
    fn tokens(&mut self, text: &str) -> Result<TextTokens, TrainError> {
        if let Some(known) = self.seen.get(text) {
            return Ok(known.clone());
        }
        let tokens = self.tokenizer.tokens(text)?;
        self.seen.insert(text.to_owned(), tokens.clone());
        Ok(tokens)
    }
}
