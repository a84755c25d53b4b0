//! The loop of training, for every kind of model.
//!
//! A step: take the next sequences of the seeded order, divide them among the threads, sum the gradients, clip, update.
//! On a schedule: validation loss and figures of the task, the best weights kept, an early end, a checkpoint. May depend
//! on the siblings and the devices of products, and not on what kind of model is trained.

use std::{path::Path, time::Instant};

use super::{
    TrainError,
    batches::{micro_batches, order},
    checkpoint::{self, Position},
    config::{BestBy, FitSettings, Keep},
    metrics_log::{Columns, MetricsLog, StepRecord},
    optimizer::{AdamSettings, AdamW, Parameter},
    schedule::Schedule,
    threads::{self, Loss, Pass, Sums},
};

/// The figure that may decide which weights are kept.
pub const F1: &str = "f1";

/// A model that can be trained.
pub trait Trainable: Sync {
    /// What it is trained on.
    type Item: Sync;

    /// The tensors that are trained.
    fn parameters(&self) -> &[Parameter];

    /// The names of the parts of its loss.
    fn part_names(&self) -> &'static [&'static str];

    /// Whether the loss is the mean cross entropy of tokens, so that its exponential is a perplexity.
    fn has_perplexity(&self) -> bool {
        false
    }

    /// How much work an item is.
    fn tokens(&self, item: &Self::Item) -> usize;

    /// How much an item counts in the mean that the loss is: one for each sequence, or for each token of an answer.
    fn units(&self, item: &Self::Item) -> f64;

    /// The summed loss of some items, times `factor`. `seed` is given in training, and decides the dropout.
    fn loss(&self, items: &[&Self::Item], factor: f64, seed: Option<u64>) -> candle_core::Result<Loss>;

    /// The names of the figures that say how well the model does its task, beside the loss; none where it is not
    /// measured. `f1` may decide which weights are kept.
    fn figure_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// These figures on the validation data, of the weights as they are now.
    fn figures(&self) -> Result<Vec<Option<f64>>, TrainError> {
        Ok(Vec::new())
    }

    /// Writes the weights as they are now, as something that can be used.
    fn save(&self, folder: &Path) -> Result<(), TrainError>;
}

/// What happens during a run.
#[derive(Debug, Clone)]
pub enum FitEvent {
    /// The run begins or goes on at a step.
    Started {
        /// The steps that were made before.
        step: u64,
        /// All steps.
        steps: u64,
    },
    /// A step was made.
    Step(StepRecord),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Fitted {
    /// The steps that were made.
    pub steps: u64,
    /// The validation loss of the best weights.
    pub best_loss: f64,
    /// Their F1, where it is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_f1: Option<f64>,
    /// The step that brought them.
    pub best_step: u64,
    /// The step whose weights are left: that one, or the last where the recipe keeps the last.
    pub kept_step: u64,
    /// Whether patience ran out before the steps did.
    pub stopped_early: bool,
    /// The tokens that were trained on since the run began or was resumed.
    pub tokens: u64,
    /// The seconds that took, with validation and checkpoints.
    pub seconds: f64,
}

/// What a run is made of.
pub struct Run<'a, M: Trainable> {
    /// The model.
    pub model: &'a M,
    /// What it learns from.
    pub training: &'a [M::Item],
    /// What it is measured on; never trained on.
    pub validation: &'a [M::Item],
    /// How.
    pub settings: &'a FitSettings,
    /// The optimizer's constants.
    pub adam: AdamSettings,
    /// Decides order and dropout.
    pub seed: u64,
    /// Where checkpoint, log and weights go.
    pub folder: &'a Path,
    /// What the run is of; see [`Position::fingerprint`].
    pub fingerprint: String,
    /// Whether to go on from the checkpoint in `folder`.
    pub resume: bool,
}

impl<M: Trainable> Run<'_, M> {
    /// The steps of an epoch and of the whole run.
    fn steps(&self) -> (u64, u64) {
        let epoch = self.training.len().div_ceil(self.settings.batch) as u64;
        // So many epochs that `max_steps` alone decides are a way to ask for that.
        let all = epoch.saturating_mul(self.settings.epochs);
        (epoch, self.settings.max_steps.map_or(all, |most| most.min(all)))
    }

    fn out_of_patience(&self, position: &Position) -> bool {
        self.settings.keep == Keep::Best && position.without_progress >= self.settings.patience
    }

    /// Trains, and leaves the weights that are to be kept in `folder`.
    pub fn fit(&self, mut watch: impl FnMut(&FitEvent)) -> Result<Fitted, TrainError> {
        let parameters = self.model.parameters();
        let (epoch_steps, steps) = self.steps();
        let warm_up = (steps as f64 * self.settings.warm_up).ceil() as u64;
        let schedule = Schedule { warm_up, total: steps, decay: self.settings.decay };
        let mut adam = AdamW::new(self.adam, parameters);
        if self.settings.best_by == BestBy::F1 && !self.model.figure_names().contains(&F1) {
            return Err(TrainError::NoF1);
        }
        let _on = self.settings.device.switch_on()?;
        let fingerprint = self.fingerprint.clone();
        let mut position = Position { fingerprint, step: 0, best: None, best_f1: None, without_progress: 0 };
        if self.resume {
            position = checkpoint::load(self.folder, &self.fingerprint, parameters, &mut adam)?;
        } else if self.folder.join(checkpoint::CHECKPOINT).exists() {
            return Err(TrainError::RunExists { path: self.folder.to_owned() });
        }
        let (parts, perplexity) = (self.model.part_names(), self.model.has_perplexity());
        let columns = Columns { parts, perplexity, figures: self.model.figure_names() };
        let mut log = MetricsLog::open(self.folder, columns, position.step)?;
        watch(&FitEvent::Started { step: position.step, steps });
        let validation = self.validation_batches();
        let (begin, mut tokens) = (Instant::now(), 0);
        let (mut sums, mut validation_sums) = (Vec::new(), Vec::new());
        let mut seen = (u64::MAX, Vec::new());
        while position.step < steps && !self.out_of_patience(&position) {
            let step = position.step + 1;
            let epoch = position.step / epoch_steps;
            if seen.0 != epoch {
                seen = (epoch, order(self.training.len(), self.seed, epoch));
            }
            let at = (position.step % epoch_steps) as usize * self.settings.batch;
            let chosen = &seen.1[at..(at + self.settings.batch).min(seen.1.len())];
            let items: Vec<&M::Item> = chosen.iter().map(|index| &self.training[*index]).collect();
            let rate = self.settings.learning_rate * schedule.share(step);
            let mut record = self.step(step, &items, rate, &mut adam, &mut sums)?;
            position.step = step;
            tokens += record.tokens as u64;
            record.epoch = step as f64 / epoch_steps as f64;
            if step.is_multiple_of(self.settings.validate_every) || step == steps {
                self.validate(&validation, &mut position, &mut record, &mut validation_sums)?;
            }
            record.seconds = begin.elapsed().as_secs_f64();
            log.add(&record)?;
            let ends = step == steps || self.out_of_patience(&position);
            if step.is_multiple_of(self.settings.checkpoint_every) || ends {
                checkpoint::save(self.folder, &position, parameters, &adam)?;
            }
            watch(&FitEvent::Step(record));
        }
        let (best_loss, best_step) = position.best.map_or((f64::NAN, 0), |(bits, step)| (f64::from_bits(bits), step));
        Ok(Fitted {
            steps: position.step,
            best_loss,
            best_f1: position.best_f1.map(f64::from_bits),
            best_step,
            kept_step: if self.settings.keep == Keep::Last { position.step } else { best_step },
            stopped_early: position.step < steps,
            tokens,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    fn step(
        &self,
        step: u64,
        items: &[&M::Item],
        rate: f64,
        adam: &mut AdamW,
        sums: &mut Vec<Sums>,
    ) -> Result<StepRecord, TrainError> {
        let begin = Instant::now();
        let (model, parameters) = (self.model, self.model.parameters());
        let tokens = items.iter().map(|item| model.tokens(item)).sum();
        let factor = 1.0 / items.iter().map(|item| model.units(item)).sum::<f64>();
        let lists = self.divide(items);
        let seed = |batch: u64| {
            self.seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ batch.wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        threads::run(Pass::Training, parameters, model.part_names().len(), &lists, sums, |batch, number| {
            model.loss(batch, factor, Some(seed(number)))
        })?;
        self.settings.device.check()?;
        let gradient_norm = adam.step(parameters, &sums[0].gradients, rate)?;
        if !gradient_norm.is_finite() || !sums[0].loss.is_finite() {
            return Err(TrainError::Diverged { step });
        }
        Ok(StepRecord {
            step,
            epoch: 0.0,
            loss: sums[0].loss,
            parts: sums[0].parts.clone(),
            learning_rate: rate,
            gradient_norm,
            tokens,
            tokens_per_second: tokens as f64 / begin.elapsed().as_secs_f64(),
            validation_loss: None,
            validation_parts: Vec::new(),
            perplexity: None,
            validation_figures: Vec::new(),
            seconds: 0.0,
        })
    }

    /// The validation loss of the model as it is.
    pub fn validation_loss(&self) -> Result<f64, TrainError> {
        let _on = self.settings.device.switch_on()?;
        let mut sums = Vec::new();
        self.measure(&self.validation_batches(), &mut sums)?;
        Ok(sums[0].loss)
    }

    /// Leaves the validation loss in `sums[0]`.
    fn measure(&self, batches: &[Vec<Vec<&M::Item>>], sums: &mut Vec<Sums>) -> Result<(), TrainError> {
        let model = self.model;
        let factor = 1.0 / self.validation.iter().map(|item| model.units(item)).sum::<f64>();
        threads::run(Pass::Validation, &[], model.part_names().len(), batches, sums, |batch, _| {
            model.loss(batch, factor, None)
        })?;
        Ok(self.settings.device.check()?)
    }

    /// Measures the validation loss and the task, and writes the weights when they are the ones to keep so far.
    fn validate(
        &self,
        batches: &[Vec<Vec<&M::Item>>],
        position: &mut Position,
        record: &mut StepRecord,
        sums: &mut Vec<Sums>,
    ) -> Result<(), TrainError> {
        self.measure(batches, sums)?;
        let (model, loss) = (self.model, sums[0].loss);
        // Nothing is lower than what is no number: the first such weights would be the best for ever.
        if !loss.is_finite() {
            return Err(TrainError::Diverged { step: record.step });
        }
        record.validation_loss = Some(loss);
        record.validation_parts = sums[0].parts.clone();
        record.perplexity = model.has_perplexity().then(|| loss.exp());
        record.validation_figures = model.figures()?;
        self.settings.device.check()?;
        let f1 = model.figure_names().iter().position(|name| *name == F1);
        let f1 = f1.and_then(|at| record.validation_figures.get(at).copied().flatten());
        let better = match (self.settings.best_by, f1) {
            (BestBy::Loss, _) => position.best.is_none_or(|(bits, _)| loss < f64::from_bits(bits)),
            (BestBy::F1, Some(f1)) => position.best_f1.is_none_or(|bits| f1 > f64::from_bits(bits)),
            (BestBy::F1, None) => return Err(TrainError::NoF1),
        };
        if better {
            position.best = Some((loss.to_bits(), record.step));
            position.best_f1 = f1.map(f64::to_bits);
            position.without_progress = 0;
        } else {
            position.without_progress += 1;
        }
        if better || self.settings.keep == Keep::Last { model.save(self.folder) } else { Ok(()) }
    }

    fn divide<'i>(&self, items: &[&'i M::Item]) -> Vec<Vec<Vec<&'i M::Item>>> {
        let lengths: Vec<usize> = items.iter().map(|item| self.model.tokens(item)).collect();
        let shares = micro_batches(&lengths, self.settings.micro_batch_tokens, self.settings.threads);
        let batch = |indices: Vec<usize>| indices.into_iter().map(|index| items[index]).collect();
        shares.into_iter().map(|share| share.into_iter().map(batch).collect()).collect()
    }

    fn validation_batches(&self) -> Vec<Vec<Vec<&M::Item>>> {
        self.divide(&self.validation.iter().collect::<Vec<_>>())
    }
}
