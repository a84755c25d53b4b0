//! The weighted mean of several readers, as one low-rank adapter.
//!
//! Readers that went on from one another lie near each other, and the mean of their weights tells what they have learned
//! from what they have learned by heart ("Model soups", <https://arxiv.org/abs/2203.05482>; averaging along one run,
//! <https://arxiv.org/abs/1803.05407>). It costs nothing when it serves: one reader instead of several. May depend on
//! `extract` and the encoder.

use candle_core::Tensor;

use super::{
    TrainError,
    extract::{Extracted, adapter_of, check_rank},
};
use crate::models::{
    adapter::{AdapterFiles, Precision},
    encoder::{
        bert::Layer,
        heads::ReaderHeads,
        load::{Base, ReaderSettings, Trained},
    },
};

/// Averages readers of the same base and the same limits, each with its weight, into an adapter with pairs of `rank`. Its
/// threshold and probability are not fitted.
pub fn average(
    base: &Base,
    readers: &[(f64, AdapterFiles)],
    rank: usize,
    precision: Precision,
) -> Result<Extracted, TrainError> {
    let refused = |reason: String| TrainError::Extract { reason };
    check_rank(base, rank)?;
    let sum: f64 = readers.iter().map(|(weight, _)| weight).sum();
    if readers.len() < 2 || readers.iter().any(|(weight, _)| !(weight.is_finite() && *weight > 0.0)) {
        return Err(refused("a mean needs two readers or more, with weights above 0".to_owned()));
    }
    let mut loaded = Vec::new();
    for (weight, files) in readers {
        let (with, heads, settings) = base.clone().with_reader(files)?;
        loaded.push((weight / sum, with.bert.layers, heads, settings));
    }
    let limits = loaded[0].3.limits;
    if loaded.iter().any(|(_, _, _, settings)| settings.limits != limits) {
        return Err(refused("the readers cut texts into windows in different ways: their `limits` differ".to_owned()));
    }
    let mut layers = Vec::new();
    for index in 0..base.bert.layers.len() {
        let each: Vec<(f64, &Layer)> = loaded.iter().map(|(weight, layers, ..)| (*weight, &layers[index])).collect();
        layers.push(mean_layer(&each)?);
    }
    let heads: Vec<(f64, &ReaderHeads)> = loaded.iter().map(|(weight, _, heads, _)| (*weight, heads)).collect();
    let heads = ReaderHeads {
        span: mean_linear(heads.iter().map(|(weight, heads)| (*weight, &heads.span)))?,
        answerable: mean_linear(heads.iter().map(|(weight, heads)| (*weight, &heads.answerable)))?,
    };
    let settings = ReaderSettings::new(base.sha256.clone(), Trained::LowRank, limits);
    adapter_of(&base.bert.layers, &layers, 0, &heads, settings, rank, precision)
}

fn mean_layer(layers: &[(f64, &Layer)]) -> Result<Layer, TrainError> {
    let linear = |of: fn(&Layer) -> &(Tensor, Tensor)| mean_linear(layers.iter().map(|(weight, l)| (*weight, of(l))));
    let norm = |of: fn(&Layer) -> &Tensor| mean(layers.iter().map(|(weight, layer)| (*weight, of(layer))));
    Ok(Layer {
        qkv: linear(|layer| &layer.qkv)?,
        attention_output: linear(|layer| &layer.attention_output)?,
        attention_norm: norm(|layer| &layer.attention_norm)?,
        up: linear(|layer| &layer.up)?,
        down: linear(|layer| &layer.down)?,
        output_norm: norm(|layer| &layer.output_norm)?,
        pairs: layers[0].1.pairs.clone(),
    })
}

fn mean_linear<'a>(
    each: impl Iterator<Item = (f64, &'a (Tensor, Tensor))> + Clone,
) -> Result<(Tensor, Tensor), TrainError> {
    let weight = mean(each.clone().map(|(part, (weight, _))| (part, weight)))?;
    Ok((weight, mean(each.map(|(part, (_, bias))| (part, bias)))?))
}

/// The sum of tensors, each times its part.
fn mean<'a>(each: impl Iterator<Item = (f64, &'a Tensor)>) -> Result<Tensor, TrainError> {
    let mut sum: Option<Tensor> = None;
    for (part, tensor) in each {
        let scaled = (tensor * part)?;
        sum = Some(match sum {
            Some(sum) => (sum + scaled)?,
            None => scaled,
        });
    }
    sum.ok_or_else(|| TrainError::Extract { reason: "there is nothing to average".to_owned() })
}
