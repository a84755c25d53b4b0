//! The encoder with a head on `[CLS]`: pairs of texts into probabilities.
//!
//! A second text that is too long for one window is seen in several that overlap, and the window that says most decides
//! ([`PairSettings::probabilities`]). May depend on the siblings.

use std::{path::Path, sync::Arc};

use candle_core::{Device, Result as Computed, Tensor};

use super::{
    super::{
        EncoderError,
        bert::Bert,
        features::{ReaderTokenizer, TextTokens, Window},
        load::Base,
        parallel::{Threads, in_portions},
        reader::pack,
    },
    settings::PairSettings,
};
use crate::models::{
    adapter::AdapterFiles,
    cores::Cores,
    fused::{
        dropout::{Dropout, dropout},
        linear::linear,
    },
};

/// The place of the head's dropout, beyond all layers.
const PLACE: u64 = 1 << 20;

/// The head: `[width, labels]` and a bias.
#[derive(Debug, Clone)]
pub struct PairHead(pub Tensor, pub Tensor);

impl PairHead {
    /// The logits of sequences, `[sequences, labels]`; `firsts` are the rows of their first tokens.
    pub fn forward(&self, rows: &Tensor, firsts: &[usize], drop: Option<Dropout>) -> Computed<Tensor> {
        let firsts: Vec<u32> = firsts.iter().map(|first| *first as u32).collect();
        let heads = rows.index_select(&Tensor::new(firsts, &Device::Cpu)?, 0)?;
        linear(&dropout(&heads, Dropout::at(drop, PLACE))?, &self.0, &self.1)
    }
}

/// A trained model of pairs.
#[derive(Debug, Clone)]
pub struct PairModel {
    bert: Bert,
    head: PairHead,
    tokenizer: ReaderTokenizer,
    settings: PairSettings,
    /// `None`: the thread that asks does everything.
    threads: Option<Threads>,
}

impl PairModel {
    /// Puts the parts together, for the thread that asks. `bert` has the layers that are used and no others.
    pub fn new(bert: Bert, head: PairHead, tokenizer: ReaderTokenizer, settings: PairSettings) -> Self {
        Self { bert, head, tokenizer, settings, threads: None }
    }

    /// The same with threads of its own, as many as there are cores.
    pub fn with_threads(self, cores: Arc<Cores>) -> Result<Self, EncoderError> {
        Ok(Self { threads: Some(Threads::new("pairs", cores)?), ..self })
    }

    /// Reads the folder of a base model and puts a model of pairs that was trained on it on top.
    pub fn load(base: &Path, files: &AdapterFiles) -> Result<Self, EncoderError> {
        let (base, head, settings) = super::load::on_base(Base::load(base)?, files)?;
        Ok(Self::new(base.bert, head, base.tokenizer, settings))
    }

    /// What its scores mean.
    pub fn settings(&self) -> &PairSettings {
        &self.settings
    }

    /// The same with other settings, of which only what the scores mean may differ.
    pub fn with_settings(self, settings: PairSettings) -> Self {
        Self { settings, ..self }
    }

    /// For each pair the probability of each label.
    pub fn score<S: AsRef<str>>(&self, pairs: &[(S, S)]) -> Result<Vec<Vec<f32>>, EncoderError> {
        Ok(self.logits(pairs)?.iter().map(|windows| self.settings.probabilities(windows)).collect())
    }

    /// For each pair the logits of each of its windows.
    pub fn logits<S: AsRef<str>>(&self, pairs: &[(S, S)]) -> Result<Vec<Vec<Vec<f32>>>, EncoderError> {
        let (none, limits) = (TextTokens::default(), self.settings.limits.as_limits());
        let mut windows: Vec<(usize, Window)> = Vec::new();
        let mut seen: Option<(&str, TextTokens)> = None;
        for (number, (first, second)) in pairs.iter().enumerate() {
            let (first, second) = (first.as_ref(), second.as_ref());
            // One text is often compared with several.
            let tokens = match seen.take() {
                Some(known) if known.0 == first => known,
                _ => (first, self.tokenizer.tokens(first)?),
            };
            let second = self.tokenizer.tokens(second)?;
            let cut = self.tokenizer.windows(&tokens.1, &none, &second, &limits)?;
            windows.extend(cut.windows.into_iter().map(|window| (number, window)));
            seen = Some(tokens);
        }
        let lengths = windows.iter().map(|(_, window)| window.tokens.len());
        let logits = in_portions(self.threads.as_ref(), lengths, |portion| {
            let packed = pack(windows[portion].iter().map(|(_, window)| window));
            let rows = self.bert.forward(&packed, None)?;
            Ok(self.head.forward(&rows, &packed.firsts(), None)?.to_vec2::<f32>()?)
        })?;
        if logits.iter().flatten().any(|logit| !logit.is_finite()) {
            return Err(candle_core::Error::Msg("the scores are no finite numbers".to_owned()).into());
        }
        let mut of_pairs = vec![Vec::new(); pairs.len()];
        for ((number, _), logits) in windows.into_iter().zip(logits) {
            of_pairs[number].push(logits);
        }
        Ok(of_pairs)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::collections::BTreeMap;

    use super::{
        super::{
            super::{features::tests::letters, tiny},
            settings::{Calibration, FORMAT, PairLimits},
        },
        *,
    };

    /// A model of three labels whose tokens are letters, and whose windows are short.
    pub fn model(threads: usize) -> PairModel {
        let bert = tiny::bert(7);
        let width = bert.config.hidden_size;
        let numbers: Vec<f32> = (0..width * 3).map(|i| ((i * 7 % 13) as f32 - 6.0) / 6.0).collect();
        let head = PairHead(
            Tensor::from_vec(numbers, (width, 3), &Device::Cpu).unwrap(),
            Tensor::zeros(3, candle_core::DType::F32, &Device::Cpu).unwrap(),
        );
        let settings = PairSettings {
            format: FORMAT,
            base_sha256: String::new(),
            labels: ["supported", "contradicted", "unknown"].map(str::to_owned).to_vec(),
            neutral: Some("unknown".to_owned()),
            layers: 2,
            limits: PairLimits { window: 24, overlap: 6, first: 8 },
            calibration: Calibration::Temperature(1.0),
            thresholds: BTreeMap::from([("supported".to_owned(), 0.5)]),
        };
        PairModel::new(bert, head, letters(), settings).with_threads(Arc::new(Cores::new(threads))).unwrap()
    }

    #[test]
    fn a_long_second_text_has_windows_and_a_long_first_text_is_refused() {
        let model = model(2);
        let long = "abc def ghi jkl mno pqr stu vwx yza bcd efg";
        let pairs = [("abc", "x"), ("abc", long), ("bcd", "x"), ("abc", "")];
        let logits = model.logits(&pairs).unwrap();
        assert!(logits[0].len() == 1 && logits[1].len() > 2 && logits[3].len() == 1);
        let scores = model.score(&pairs).unwrap();
        assert!(scores.iter().all(|scores| (scores.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        assert_ne!(scores[0], scores[2]);
        let alone = model.score(&pairs[2..3]).unwrap();
        assert!(alone[0].iter().zip(&scores[2]).all(|(a, b)| (a - b).abs() < 1e-5));
        let error = model.score(&[("abcdefghijk", "x")]).unwrap_err();
        assert!(matches!(error, EncoderError::QuestionTooLong { tokens: 11, max: 8 }), "{error}");
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let pairs = [("abc", "abc def ghi jkl mno pqr stu vwx"); 30];
        assert_eq!(model(1).score(&pairs).unwrap(), model(2).score(&pairs).unwrap());
        assert_eq!(model(1).score::<&str>(&[]).unwrap(), Vec::<Vec<f32>>::new());
    }
}
