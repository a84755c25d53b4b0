//! Tests of the reader in training with a tiny model: what is saved is what was trained, and a run that was killed
//! goes on to the same losses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use super::{
    average::average,
    config::{BestBy, LoraTraining, ReaderConfig},
    dataset::{Example, Expected, Kind, Passage, Span, SpanRole},
    extract::extract,
    features::{FeatureMaker, Label, Sequence},
    fit::{FitEvent, Fitted, Run, Trainable},
    metrics_log,
    reader::{READER, ReaderModel},
    reading::ReadingTask,
    tuning::tune,
};
use crate::models::{
    adapter::{ADAPTER_CONFIG, ADAPTER_WEIGHTS, Adapter, AdapterFiles, Precision},
    encoder::{
        bert::Bert,
        features::{Limits, tests::letters},
        heads::ReaderHeads,
        load::{Base, READER_WEIGHTS},
        low_rank::Module,
        reader::pack,
        tiny,
    },
};

fn base() -> Base {
    Base { bert: tiny::bert(3), tokenizer: letters(), sha256: "ab".repeat(32) }
}

fn config(lora: Option<LoraTraining<Module>>) -> ReaderConfig {
    let mut config: ReaderConfig = toml::from_str("seed = 5").unwrap();
    config.limits = Limits { window: 24, overlap: 6, question: 8, title: 4, span: 4 };
    config.lora = lora;
    let fit = &mut config.fit;
    (fit.epochs, fit.batch, fit.micro_batch_tokens, fit.learning_rate) = (3, 6, 40, 1e-2);
    (fit.checkpoint_every, fit.validate_every) = (4, 3);
    config
}

fn lora() -> Option<LoraTraining<Module>> {
    Some(LoraTraining { rank: 3, alpha: 6.0, dropout: 0.1, ..LoraTraining::default() })
}

fn sequences(count: usize, first: usize) -> Vec<Sequence> {
    let tokenizer = letters();
    let make = |number: usize| {
        let letter = |by: usize| char::from(b'a' + ((number * by) % 26) as u8);
        let question = tokenizer.tokens(&letter(3).to_string()).unwrap();
        let title = tokenizer.tokens("t").unwrap();
        let passage = format!("{} b{} {}", letter(5), letter(7), letter(11));
        let passage = tokenizer.tokens(&passage).unwrap();
        let window = tokenizer.windows(&question, &title, &passage, &config(None).limits).unwrap().windows.remove(0);
        let row = window.passage.start + number % 3;
        let label = if number.is_multiple_of(4) { Label::None } else { Label::Span(row, row + 1) };
        Sequence { window, label, example: number }
    };
    (first..first + count).map(make).collect()
}

fn fit(
    model: &ReaderModel,
    config: &ReaderConfig,
    folder: &Path,
    resume: bool,
    watch: impl FnMut(&FitEvent),
) -> Fitted {
    let (training, validation) = (sequences(30, 0), sequences(8, 100));
    let run = Run {
        model,
        training: &training,
        validation: &validation,
        settings: &config.fit,
        adam: config.adam,
        seed: config.seed,
        folder,
        fingerprint: "tiny".into(),
        resume,
    };
    run.fit(watch).unwrap()
}

/// Where there is a "z", it is the answer.
fn examples(count: usize) -> Vec<Example> {
    let make = |number: usize| {
        let letter = |by: usize| char::from(b'a' + ((number * by) % 13) as u8);
        let answered = !number.is_multiple_of(3);
        let text = format!("{} {} {}", letter(5), if answered { 'z' } else { 'y' }, letter(7));
        let span = Span { passage: "p".into(), start: 2, end: 3, role: SpanRole::Answer };
        Example {
            id: number.to_string(),
            kind: Kind::Task,
            history: vec![],
            parts: vec![],
            question: "z".into(),
            passages: vec![Passage { id: "p".into(), title: "t".into(), text }],
            expected: if answered { Expected::Answered } else { Expected::Abstained },
            answer: answered.then(|| "z".into()),
            short_answers: answered.then(|| "z".into()).into_iter().collect(),
            support: answered.then_some(span).into_iter().collect(),
            tags: vec![],
            provenance: "us".into(),
            licence: "CC0-1.0".into(),
        }
    };
    (0..count).map(make).collect()
}

#[test]
fn a_reader_that_learned_its_task_is_kept_by_f1_and_gets_a_threshold_that_tells_the_two_apart() {
    let mut config = config(None);
    (config.fit.best_by, config.fit.epochs, config.fit.checkpoint_every) = (BestBy::F1, 20, 1000);
    let examples = examples(24);
    let tokenizer = letters();
    let mut sequences = FeatureMaker::new(&tokenizer, config.limits, config.reader.passages, config.reader.shown);
    let sequences = sequences.sequences(&examples).unwrap();
    let mut model = ReaderModel::new(&base(), &config, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |model: &ReaderModel| {
        let fit = &config.fit;
        let (adam, seed, folder, fingerprint) = (config.adam, config.seed, folder.path(), "tiny".to_owned());
        let (training, validation, resume) = (&sequences, &sequences[..6], false);
        Run { model, training, validation, settings: fit, adam, seed, folder, fingerprint, resume }.fit(|_| ())
    };
    assert!(run(&model).is_err_and(|error| error.to_string().contains("best_by")), "nothing measures F1");
    let task = ReadingTask::new(examples.clone(), &tokenizer, config.limits, 2).unwrap();
    assert_eq!((task.counts.examples, task.counts.unanswerable), (24, 8));
    model.measure_on(task, &tokenizer);
    let fitted = run(&model).unwrap();
    let records = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
    let f1: Vec<(f64, u64)> = records.iter().filter_map(|r| Some(((*r.validation_figures.get(1)?)?, r.step))).collect();
    let best = f1.iter().copied().reduce(|best, next| if next.0 > best.0 { next } else { best }).unwrap();
    assert_eq!((fitted.best_f1, fitted.best_step), (Some(best.0), best.1));
    assert!(best.0 > 0.9, "{f1:?}");

    let reader = folder.path().join(READER);
    // As one was written before it could have a threshold.
    let settings = std::fs::read_to_string(reader.join("reader.json")).unwrap();
    let mut settings: serde_json::Value = serde_json::from_str(&settings).unwrap();
    settings.as_object_mut().unwrap().remove("threshold");
    std::fs::write(reader.join("reader.json"), settings.to_string()).unwrap();
    let tuned = tune(base(), &reader, examples, 2, |done, of| assert!(done <= of)).unwrap();
    assert_eq!(tuned.figures.f1, Some(best.0));
    assert_eq!(tuned.not_fitted, None);
    let (_, _, settings) = base().with_reader(&AdapterFiles::read(&reader).unwrap()).unwrap();
    assert_eq!((settings.threshold, settings.probability), (tuned.threshold, tuned.probability));
    assert!(settings.decision().probability_of(tuned.threshold + 50.0) > 0.9);
}

#[test]
fn what_cannot_be_judged_is_left_out_and_counted() {
    let mut all = examples(4);
    all[0].question = "abcdefghijk".into();
    all[1].short_answers.clear();
    all[2].support.clear();
    let task = ReadingTask::new(all, &letters(), config(None).limits, 1).unwrap();
    let counts = task.counts;
    assert_eq!((counts.examples, counts.long_questions, counts.without_span, counts.unanswerable), (1, 1, 2, 1));
}

fn logits(bert: &Bert, heads: &ReaderHeads) -> Vec<f32> {
    let sequences = sequences(5, 40);
    let packed = pack(sequences.iter().map(|sequence| &sequence.window));
    let logits = heads.forward(&bert.forward(&packed, None).unwrap(), &packed.firsts(), None).unwrap();
    let flat = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    [flat(&logits.span), flat(&logits.answerable)].concat()
}

#[test]
fn a_reader_that_is_loaded_says_what_the_one_in_training_said() {
    let some = LoraTraining { modules: vec![Module::Query, Module::Output], layers: Some(vec![1]), ..lora().unwrap() };
    for lora in [None, lora(), Some(some)] {
        let mut config = config(lora.clone());
        config.fit.keep = super::config::Keep::Last;
        let folder = tempfile::tempdir().unwrap();
        let model = ReaderModel::new(&base(), &config, None).unwrap();
        let before = logits(model.parts().0, model.parts().1);
        fit(&model, &config, folder.path(), false, |_| ());
        let trained = logits(model.parts().0, model.parts().1);
        assert!(before.iter().zip(&trained).any(|(a, b)| (a - b).abs() > 1e-2));
        let files = AdapterFiles::read(&folder.path().join(READER)).unwrap();
        assert_eq!(files.get(READER_WEIGHTS).is_some(), lora.is_none());
        let (loaded, heads, _) = base().with_reader(&files).unwrap();
        for (a, b) in logits(&loaded.bert, &heads).iter().zip(&trained) {
            assert!((a - b).abs() < 1e-4, "{a} {b} {lora:?}");
        }
    }
}

#[test]
fn the_adapter_has_the_names_that_peft_gives() {
    let model = ReaderModel::new(&base(), &config(lora()), None).unwrap();
    let files = model.files().unwrap();
    assert_eq!(files.names().collect::<Vec<_>>(), [ADAPTER_CONFIG, ADAPTER_WEIGHTS, "reader.json"]);
    let adapter = Adapter::from_files(&files).unwrap();
    assert_eq!(adapter.pairs.len(), 12);
    assert!(adapter.pairs.contains_key("bert.encoder.layer.1.attention.output.dense"));
    let whole: Vec<&str> = adapter.whole.keys().map(String::as_str).collect();
    assert_eq!(whole, ["answerable.bias", "answerable.weight", "qa_outputs.bias", "qa_outputs.weight"]);
    // Only the pairs and the heads: 3 numbers for each input and output of each module.
    let (width, inner) = (16, 32);
    let pairs = 2 * 3 * (4 * 2 * width + 2 * (width + inner));
    assert_eq!(model.trained_numbers(), pairs + 3 * width + 3);
    assert_eq!(model.parameters().len(), 2 * 4 * 2 + 4);
}

#[test]
fn a_low_rank_run_that_was_killed_goes_on_to_the_same_losses() {
    let config = config(lora());
    let losses = |folder: &Path| -> Vec<(u64, u64, Option<u64>)> {
        let records = metrics_log::read(&folder.join("metrics.jsonl")).unwrap();
        records.iter().map(|r| (r.step, r.loss.to_bits(), r.validation_loss.map(f64::to_bits))).collect()
    };
    let reader = |folder: &Path| AdapterFiles::read(&folder.join(READER)).unwrap();
    let whole = tempfile::tempdir().unwrap();
    let fitted = fit(&ReaderModel::new(&base(), &config, None).unwrap(), &config, whole.path(), false, |_| ());
    assert_eq!(fitted.steps, 15);
    for killed_after in [5, 11] {
        let folder = tempfile::tempdir().unwrap();
        let killed = std::panic::catch_unwind(|| {
            fit(&ReaderModel::new(&base(), &config, None).unwrap(), &config, folder.path(), false, |event| {
                if matches!(event, FitEvent::Step(record) if record.step == killed_after) {
                    std::panic::resume_unwind(Box::new("killed"));
                }
            })
        });
        assert!(killed.is_err());
        fit(&ReaderModel::new(&base(), &config, None).unwrap(), &config, folder.path(), true, |_| ());
        assert_eq!(losses(folder.path()), losses(whole.path()), "killed after {killed_after}");
        assert_eq!(reader(folder.path()), reader(whole.path()));
    }
}

#[test]
fn a_run_goes_on_from_a_reader_as_that_one_was_left() {
    let config = config(lora());
    let folder = tempfile::tempdir().unwrap();
    let first = ReaderModel::new(&base(), &config, None).unwrap();
    fit(&first, &config, folder.path(), false, |_| ());
    let files = first.files().unwrap();
    let next = ReaderModel::new(&base(), &config, Some(&files)).unwrap();
    let (trained, begun) = (logits(first.parts().0, first.parts().1), logits(next.parts().0, next.parts().1));
    assert!(begun.iter().zip(&trained).all(|(a, b)| (a - b).abs() < 1e-4));
    assert!(begun.iter().any(|logit| logit.abs() > 1e-2));
    // What the recipe does not train would be lost.
    let less = LoraTraining { modules: vec![Module::Query], ..lora().unwrap() };
    let error = ReaderModel::new(&base(), &super::config::ReaderConfig { lora: Some(less), ..config }, Some(&files));
    assert!(error.err().unwrap().to_string().contains("which the recipe does not train"));
}

#[test]
fn a_run_that_goes_on_from_a_reader_with_biases_and_norms_of_its_own_keeps_them() {
    let full = config(None);
    let folder = tempfile::tempdir().unwrap();
    let model = ReaderModel::new(&base(), &full, None).unwrap();
    fit(&model, &full, folder.path(), false, |_| ());
    let files = extract(base(), &model.files().unwrap(), 3, Precision::F32).unwrap().files;
    let (loaded, heads, _) = base().with_reader(&files).unwrap();
    let low_rank = LoraTraining { alpha: 3.0, dropout: 0.0, ..lora().unwrap() };
    let next = ReaderModel::new(&base(), &config(Some(low_rank)), Some(&files)).unwrap();
    let furthest = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let begun = logits(next.parts().0, next.parts().1);
    assert!(furthest(&begun, &logits(&loaded.bert, &heads)) < 1e-4);
    let (saved, heads, _) = base().with_reader(&next.files().unwrap()).unwrap();
    assert!(furthest(&begun, &logits(&saved.bert, &heads)) < 1e-4);
    let norms = |bert: &Bert| bert.layers[1].output_norm.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(furthest(&norms(&saved.bert), &norms(&base().bert)) > 1e-4, "they differ from the base model's");
}

#[test]
fn a_reader_that_was_trained_in_full_becomes_an_adapter() {
    let config = config(None);
    let model = ReaderModel::new(&base(), &config, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fit(&model, &config, folder.path(), false, |_| ());
    let files = model.files().unwrap();
    let trained = logits(model.parts().0, model.parts().1);
    let mut last = f64::MAX;
    for rank in [1, 4, 16] {
        let extracted = extract(base(), &files, rank, Precision::F32).unwrap();
        assert_eq!(extracted.modules.len(), 12);
        let left_out: f64 = extracted.modules.iter().map(|module| module.all - module.kept).sum();
        assert!(left_out < last);
        last = left_out;
        let (loaded, heads, _) = base().with_reader(&extracted.files).unwrap();
        let furthest =
            logits(&loaded.bert, &heads).iter().zip(&trained).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert_eq!(rank == 16, furthest < 1e-3, "rank {rank}: {furthest}");
        assert!(extract(base(), &extracted.files, rank, Precision::F32).is_err(), "it is an adapter already");
    }
    assert!(
        extract(base(), &files, 17, Precision::F32).is_err() && extract(base(), &files, 0, Precision::F32).is_err()
    );
}

#[test]
fn the_mean_of_readers_lies_between_them_and_that_of_one_with_itself_is_itself() {
    let trained = |config: &super::config::ReaderConfig| {
        let model = ReaderModel::new(&base(), config, None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fit(&model, config, folder.path(), false, |_| ());
        (model.files().unwrap(), model.parts().0.layers[1].up.1.clone(), logits(model.parts().0, model.parts().1))
    };
    // One in full and one with pairs.
    let [(full, full_bias, full_logits), (pairs, pairs_bias, _)] = [trained(&config(None)), trained(&config(lora()))];
    let mean = |readers: &[(f64, AdapterFiles)]| average(&base(), readers, 16, Precision::F32);
    let load = |readers: &[(f64, AdapterFiles)]| base().with_reader(&mean(readers).unwrap().files).unwrap();
    let (itself, heads, settings) = load(&[(3.0, full.clone()), (1.0, full.clone())]);
    assert!(logits(&itself.bert, &heads).iter().zip(&full_logits).all(|(a, b)| (a - b).abs() < 1e-3));
    assert_eq!(settings.decision(), crate::models::encoder::Decision::UNFITTED);
    let (between, ..) = load(&[(3.0, full.clone()), (1.0, pairs)]);
    let numbers = |bias: &candle_core::Tensor| bias.to_vec1::<f32>().unwrap();
    let biases = [numbers(&between.bert.layers[1].up.1), numbers(&full_bias), numbers(&pairs_bias)];
    assert!(biases[1] != biases[2]);
    let [mean_of, full_bias, pairs_bias] = &biases;
    for ((got, full), pairs) in mean_of.iter().zip(full_bias).zip(pairs_bias) {
        let right = 0.75 * full + 0.25 * pairs;
        assert!((got - right).abs() < 1e-5, "{got} {right}");
    }
    for wrong in [&[(1.0, full.clone())][..], &[(1.0, full.clone()), (0.0, full.clone())]] {
        assert!(mean(wrong).unwrap_err().to_string().contains("two readers"));
    }
}

#[test]
fn a_reader_of_another_base_or_a_layer_that_does_not_exist_is_refused() {
    let files = ReaderModel::new(&base(), &config(lora()), None).unwrap().files().unwrap();
    let other = Base { sha256: "cd".repeat(32), ..base() };
    assert!(other.with_reader(&files).unwrap_err().to_string().contains("was trained on the base"));
    let absent = LoraTraining { layers: Some(vec![0, 2]), ..LoraTraining::default() };
    let error = ReaderModel::new(&base(), &config(Some(absent)), None).err().unwrap();
    assert!(error.to_string().contains("layer 2"), "{error}");
}
