//! The micro-batches of a step on several threads.
//!
//! Each thread works through its own list with graphs of its own on the shared parameters, and adds up its gradients
//! in the order of the list; the sums are then added in the order of the threads. So the result depends on the number
//! of threads, but never on which one was faster. May depend on `optimizer`, `models::fused` and candle.

use candle_core::{Result, Tensor, backprop::GradStore};

use super::optimizer::Parameter;
use crate::models::fused::{kernels, with_numbers};

/// The loss of a micro-batch.
#[derive(Debug)]
pub struct Loss {
    /// What is trained.
    pub total: Tensor,
    /// What it is made of, each already scaled; their names are those of the model.
    pub parts: Vec<f64>,
}

/// The sums of one thread, kept from step to step so that their memory is.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// For each parameter its gradient.
    pub gradients: Vec<Vec<f32>>,
    /// The loss.
    pub loss: f64,
    /// Its parts.
    pub parts: Vec<f64>,
}

impl Sums {
    fn clear(&mut self, parameters: &[Parameter], parts: usize) {
        self.gradients.resize_with(parameters.len(), Vec::new);
        for (gradient, parameter) in self.gradients.iter_mut().zip(parameters) {
            gradient.clear();
            gradient.resize(parameter.var.elem_count(), 0.0);
        }
        self.loss = 0.0;
        self.parts.clear();
        self.parts.resize(parts, 0.0);
    }

    fn add_loss(&mut self, loss: &Loss) -> Result<()> {
        self.loss += f64::from(loss.total.to_scalar::<f32>()?);
        self.parts.iter_mut().zip(&loss.parts).for_each(|(to, from)| *to += from);
        Ok(())
    }

    fn add_gradients(&mut self, parameters: &[Parameter], gradients: &GradStore) -> Result<()> {
        for (to, parameter) in self.gradients.iter_mut().zip(parameters) {
            if let Some(gradient) = gradients.get(&parameter.var) {
                with_numbers(gradient, |from| {
                    kernels::add(to, from);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn add(&mut self, other: &Self) {
        for (to, from) in self.gradients.iter_mut().zip(&other.gradients) {
            kernels::add(to, from);
        }
        self.loss += other.loss;
        self.parts.iter_mut().zip(&other.parts).for_each(|(to, from)| *to += from);
    }
}

/// Whether gradients are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// They are.
    Training,
    /// Only the losses.
    Validation,
}

/// Computes `loss(thread, index)` for each micro-batch of each thread's list and leaves the sums of all in `sums[0]`.
pub fn run<B: Sync>(
    pass: Pass,
    parameters: &[Parameter],
    parts: usize,
    lists: &[Vec<B>],
    sums: &mut Vec<Sums>,
    loss: impl Fn(&B, u64) -> Result<Loss> + Sync,
) -> Result<()> {
    sums.resize_with(lists.len().max(1), Sums::default);
    let work = |thread: usize, list: &[B], sums: &mut Sums| -> Result<()> {
        sums.clear(if pass == Pass::Training { parameters } else { &[] }, parts);
        for (index, batch) in list.iter().enumerate() {
            let loss = loss(batch, ((thread as u64) << 32) | index as u64)?;
            sums.add_loss(&loss)?;
            if pass == Pass::Training {
                sums.add_gradients(parameters, &loss.total.backward()?)?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let mut jobs = lists.iter().zip(sums.iter_mut()).enumerate();
        let first = jobs.next();
        let others: Vec<_> = jobs.map(|(thread, (list, sums))| scope.spawn(move || work(thread, list, sums))).collect();
        let mut result = first.map_or(Ok(()), |(thread, (list, sums))| work(thread, list, sums));
        for other in others {
            let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(other);
        }
        result
    })?;
    if let Some((first, others)) = sums.split_first_mut() {
        others.iter().for_each(|other| first.add(other));
    }
    Ok(())
}
