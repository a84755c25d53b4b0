//! A model of pairs as something that can be trained: its low-rank pairs and its head as variables.
//!
//! May depend on the encoder, `fit` and the siblings.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::{config::PairsConfig, sequences::PairItem};
use crate::{
    models::{
        adapter::{AdapterConfig, AdapterFiles, Precision, WholeTensors},
        encoder::{
            bert::Bert,
            load::Base,
            low_rank,
            pairs::{
                PairSettings,
                load::{start_from, to_files},
                model::PairHead,
                settings::{Calibration, FORMAT},
            },
            reader::pack,
        },
        fused::{
            choice_loss::{Choice, choice_loss},
            dropout::Dropout,
            with_numbers,
        },
    },
    train::{
        TrainError,
        batches::Random,
        fit::Trainable,
        optimizer::Parameter,
        reader::{HEAD_DEVIATION, add_pairs, train_pair},
        threads::Loss,
    },
};

/// The folder of the weights in the folder of a run.
pub const PAIRS: &str = "pairs";

/// A model of pairs in training.
pub struct PairsModel {
    bert: Bert,
    head: PairHead,
    parameters: Vec<Parameter>,
    config: PairsConfig,
    base_sha256: String,
    /// The biases and norms that are those of the adapter it goes on from, and not of the base.
    vectors: WholeTensors,
}

impl PairsModel {
    /// Makes variables of pairs and head; the pairs begin as those of the adapter `from`, if it is given, on its biases and
    /// norms.
    pub fn new(base: &Base, config: &PairsConfig, from: Option<&AdapterFiles>) -> Result<Self, TrainError> {
        let all = base.bert.layers.len();
        let layers = config.pairs.layers.unwrap_or(all);
        if layers > all {
            return Err(TrainError::NoLayer { layer: layers - 1, layers: all });
        }
        let from = from.map(|files| start_from(base, files, layers)).transpose()?;
        let mut bert = from.as_ref().map_or(&base.bert, |start| &start.bert).clone();
        bert.layers.truncate(layers);
        let mut parameters = Vec::new();
        let adapter = from.as_ref().map(|start| &start.adapter);
        add_pairs(&mut bert, (&config.lora, adapter), config.seed, |_| 1.0, &mut parameters)?;
        let (width, labels) = (bert.config.hidden_size, config.pairs.labels.len());
        let mut random = Random::new(config.seed, u64::MAX);
        let numbers: Vec<f32> = (0..width * labels).map(|_| (HEAD_DEVIATION * random.normal()) as f32).collect();
        let mut head = (
            Tensor::from_vec(numbers, (width, labels), &Device::Cpu)?,
            Tensor::zeros(labels, DType::F32, &Device::Cpu)?,
        );
        train_pair(&mut head, "head", config.pairs.head_rate, &mut parameters)?;
        let (head, config) = (PairHead(head.0, head.1), config.clone());
        let vectors = from.map(|start| start.vectors).unwrap_or_default();
        Ok(Self { bert, head, parameters, config, base_sha256: base.sha256.clone(), vectors })
    }

    /// The numbers that are trained.
    pub fn trained_numbers(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// The files of the model as it is now, before anything about its scores is fitted.
    pub fn files(&self) -> Result<AdapterFiles, TrainError> {
        let (pairs, lora) = (&self.config.pairs, &self.config.lora);
        let settings = PairSettings {
            format: FORMAT,
            base_sha256: self.base_sha256.clone(),
            labels: pairs.labels.clone(),
            neutral: pairs.neutral.clone(),
            layers: self.bert.layers.len(),
            limits: self.config.served(),
            calibration: Calibration::unfitted(pairs.labels.len()),
            thresholds: Default::default(),
        };
        let config = AdapterConfig::new(lora.rank, lora.alpha, lora.dropout.into(), Vec::new());
        let precision = if pairs.half { Precision::F16 } else { Precision::F32 };
        let own = (low_rank::pairs(&self.bert)?, self.vectors.clone());
        Ok(to_files(own, &self.head, config, &settings, precision)?)
    }
}

impl Trainable for PairsModel {
    type Item = PairItem;

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn part_names(&self) -> &'static [&'static str] {
        // The second is the share of items of which something wrong has the highest score.
        &["cross_entropy", "wrong"]
    }

    fn tokens(&self, item: &PairItem) -> usize {
        item.windows.iter().map(|window| window.tokens.len()).sum()
    }

    fn units(&self, item: &PairItem) -> f64 {
        item.weight
    }

    fn loss(&self, items: &[&PairItem], factor: f64, seed: Option<u64>) -> candle_core::Result<Loss> {
        let dropout = seed.map(|seed| Dropout { rate: self.config.pairs.dropout, seed });
        let packed = pack(items.iter().flat_map(|item| &item.windows));
        let rows = self.bert.forward(&packed, dropout)?;
        let logits = self.head.forward(&rows, &packed.firsts(), dropout)?;
        let labels = self.config.pairs.labels.len();
        let mut next = 0;
        let choices: Vec<Choice> = items
            .iter()
            .map(|item| {
                let among = next..next + item.windows.len() * labels;
                next = among.end;
                Choice { among, right: item.right.clone(), weight: item.weight }
            })
            .collect();
        let wrong = with_numbers(&logits, |logits| {
            let wrong = choices.iter().filter(|choice| !choice.is_met(logits));
            Ok(factor * wrong.map(|choice| choice.weight).sum::<f64>())
        })?;
        let total = choice_loss(&logits, choices, factor)?;
        let parts = vec![f64::from(total.to_scalar::<f32>()?), wrong];
        Ok(Loss { total, parts })
    }

    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        Ok(self.files()?.write(&folder.join(PAIRS))?)
    }
}
