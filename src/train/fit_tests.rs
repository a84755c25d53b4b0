//! Tests of the loop with a model of three numbers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use candle_core::{Device, Tensor, Var};

use super::{
    TrainError,
    config::{FitSettings, Keep},
    fit::{FitEvent, Fitted, Run, Trainable},
    metrics_log,
    optimizer::{AdamSettings, Parameter},
    threads::Loss,
};
use crate::models::fused::product::device;

/// Learns w in y = w . x; its dropout is a noise of the seed.
struct Line {
    parameters: Vec<Parameter>,
}

type Point = ([f32; 3], f32);

impl Line {
    fn new() -> Self {
        let var = Var::zeros((3, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
        Self { parameters: vec![Parameter { name: "w".into(), var, decays: false, rate_factor: 1.0 }] }
    }
}

impl Trainable for Line {
    type Item = Point;

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn part_names(&self) -> &'static [&'static str] {
        &["square"]
    }

    fn tokens(&self, item: &Point) -> usize {
        10 + (item.1.abs() * 3.0) as usize
    }

    fn units(&self, _: &Point) -> f64 {
        1.0
    }

    fn loss(&self, items: &[&Point], factor: f64, seed: Option<u64>) -> candle_core::Result<Loss> {
        let noise = seed.map_or(0.0, |seed| (seed % 1000) as f32 / 1e4);
        let x: Vec<f32> = items.iter().flat_map(|item| item.0).map(|x| x + noise).collect();
        let y: Vec<f32> = items.iter().map(|item| item.1).collect();
        let x = Tensor::from_vec(x, (items.len(), 3), &Device::Cpu)?;
        let y = Tensor::from_vec(y, (items.len(), 1), &Device::Cpu)?;
        let total = ((x.matmul(&self.parameters[0].var)? - y)?.sqr()?.sum_all()? * factor)?;
        Ok(Loss { parts: vec![f64::from(total.to_scalar::<f32>()?)], total })
    }

    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let weights = self.parameters[0].var.flatten_all()?.to_vec1::<f32>()?;
        std::fs::write(folder.join("best"), format!("{weights:?}")).map_err(TrainError::io("writing", folder))
    }
}

fn points(count: usize, from: usize) -> Vec<Point> {
    let number = |i: usize| ((i * 7919 % 1009) as f32 - 504.0) / 504.0;
    let point = |i: usize| {
        let x = [number(i), number(i + 1000), number(i + 2000)];
        (x, 2.0 * x[0] - x[1] + 0.5 * x[2])
    };
    (from..from + count).map(point).collect()
}

fn settings() -> FitSettings {
    FitSettings {
        epochs: 3,
        batch: 7,
        micro_batch_tokens: 30,
        learning_rate: 0.05,
        checkpoint_every: 4,
        validate_every: 5,
        ..FitSettings::default()
    }
}

fn fit(
    folder: &Path,
    settings: &FitSettings,
    resume: bool,
    watch: impl FnMut(&FitEvent),
) -> Result<Fitted, TrainError> {
    let (training, validation) = (points(50, 0), points(20, 100));
    let model = Line::new();
    let run = Run {
        model: &model,
        training: &training,
        validation: &validation,
        settings,
        adam: AdamSettings::default(),
        seed: 3,
        folder,
        fingerprint: "line".into(),
        resume,
    };
    run.fit(watch)
}

/// Everything that does not depend on the clock.
fn losses(folder: &Path) -> Vec<(u64, u64, u64, Option<u64>)> {
    let records = metrics_log::read(&folder.join("metrics.jsonl")).unwrap();
    let bits = |record: &metrics_log::StepRecord| {
        (record.step, record.loss.to_bits(), record.gradient_norm.to_bits(), record.validation_loss.map(f64::to_bits))
    };
    records.iter().map(bits).collect()
}

#[test]
fn it_learns_and_keeps_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let fitted = fit(folder.path(), &FitSettings { epochs: 40, ..settings() }, false, |_| ()).unwrap();
    assert!(fitted.best_loss < 0.02, "{fitted:?}");
    assert!(folder.path().join("best").exists());
}

#[test]
fn a_run_that_was_killed_anywhere_goes_on_to_the_same_losses() {
    let whole = tempfile::tempdir().unwrap();
    fit(whole.path(), &settings(), false, |_| ()).unwrap();
    let expected = losses(whole.path());
    assert_eq!(expected.len(), 24);
    for killed_after in [1, 4, 6, 9, 17, 23] {
        let folder = tempfile::tempdir().unwrap();
        let killed = std::panic::catch_unwind(|| {
            fit(folder.path(), &settings(), false, |event| {
                if matches!(event, FitEvent::Step(record) if record.step == killed_after) {
                    std::panic::resume_unwind(Box::new("killed"));
                }
            })
        });
        assert!(killed.is_err());
        let resumed = fit(folder.path(), &settings(), true, |_| ());
        if killed_after < 4 {
            assert!(matches!(resumed, Err(TrainError::NoCheckpoint { .. })));
            continue;
        }
        resumed.unwrap();
        assert_eq!(losses(folder.path()), expected, "killed after {killed_after}");
        let best = |folder: &Path| std::fs::read_to_string(folder.join("best")).unwrap();
        assert_eq!(best(folder.path()), best(whole.path()));
    }
}

#[test]
fn a_run_is_not_begun_over_another_and_ends_when_nothing_gets_better() {
    let folder = tempfile::tempdir().unwrap();
    let still = FitSettings { learning_rate: 1e-12, epochs: 50, patience: 3, ..settings() };
    let fitted = fit(folder.path(), &still, false, |_| ()).unwrap();
    assert!(fitted.stopped_early && fitted.steps < 60, "{fitted:?}");
    assert!(matches!(fit(folder.path(), &still, false, |_| ()), Err(TrainError::RunExists { .. })));
    let again = fit(folder.path(), &still, true, |_| ()).unwrap();
    assert_eq!((again.steps, again.tokens), (fitted.steps, 0));
}

#[test]
fn what_is_left_is_named_and_so_many_epochs_leave_the_steps_to_decide() {
    let folder = tempfile::tempdir().unwrap();
    let endless = FitSettings { epochs: u64::MAX, max_steps: Some(12), ..settings() };
    let fitted = fit(folder.path(), &endless, false, |_| ()).unwrap();
    assert_eq!((fitted.steps, fitted.kept_step), (12, fitted.best_step));
    let folder = tempfile::tempdir().unwrap();
    // So slow that nothing gets better than the first weights that were measured.
    let last = FitSettings { keep: Keep::Last, learning_rate: 1e-12, ..settings() };
    let fitted = fit(folder.path(), &last, false, |_| ()).unwrap();
    assert_eq!((fitted.steps, fitted.best_step, fitted.kept_step), (24, 5, 24));
}

#[test]
fn a_validation_loss_that_is_no_number_is_not_the_best_one() {
    let folder = tempfile::tempdir().unwrap();
    let (training, model) = (points(50, 0), Line::new());
    let validation: [Point; 1] = [([1.0, 1.0, 1.0], f32::NAN)];
    let run = Run {
        model: &model,
        training: &training,
        validation: &validation,
        settings: &settings(),
        adam: AdamSettings::default(),
        seed: 3,
        folder: folder.path(),
        fingerprint: String::new(),
        resume: false,
    };
    assert!(matches!(run.fit(|_| ()), Err(TrainError::Diverged { step: 5 })));
    assert!(!folder.path().join("best").exists());
}

#[test]
fn a_run_on_a_gpu_that_is_not_there_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    let settings = FitSettings { device: device::Device::Cuda, ..settings() };
    let fitted = fit(folder.path(), &settings, false, |_| ());
    match device::Device::Cuda.probe() {
        Ok(_) => assert!(fitted.is_ok()),
        Err(missing) => {
            let error = fitted.unwrap_err();
            assert!(error.to_string().contains(&missing.to_string()), "{error}");
            assert!(matches!(error, TrainError::Device(_)));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_run_that_diverges_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let wild = FitSettings { learning_rate: 1e38, warm_up: 0.0, ..settings() };
    assert!(matches!(fit(folder.path(), &wild, false, |_| ()), Err(TrainError::Diverged { .. })));
}
