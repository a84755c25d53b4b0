//! A whole run on a model small enough for tests: what is learned is in the files, and the files score as the model did.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{
    config::PairsConfig,
    model::{PAIRS, PairsModel},
    scores::logits,
    sequences::{ItemMaker, PairItem},
    tune::{tunable, tune},
};
use crate::{
    models::{
        adapter::{Adapter, AdapterFiles, Precision},
        encoder::{
            features::tests::letters,
            load::{Base, vectors},
            pairs::{
                PairSettings,
                load::on_base,
                model::PairModel,
                settings::{PAIR_SETTINGS, PairLimits},
            },
            tiny,
        },
    },
    train::{TrainError, dataset::pairs::Pair, fit::Run},
};

fn base() -> Base {
    Base { bert: tiny::bert(7), tokenizer: letters(), sha256: "0".repeat(64) }
}

fn config(labels: &str, decides: &str) -> PairsConfig {
    let text = format!(
        "seed = 3\n[fit]\nbatch = 8\nepochs = 60\nmax_steps = 80\nlearning_rate = 0.02\nvalidate_every = 40\n\
         checkpoint_every = 80\nkeep = 'last'\n[pairs]\nlabels = {labels}\ndecides = '{decides}'\ndropout = 0.0\n\
         [limits]\nwindow = 24\noverlap = 6\nfirst = 8\n[lora]\nrank = 2\nalpha = 4.0\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    std::fs::write(&path, text).unwrap();
    PairsConfig::read(&path).unwrap()
}

fn pair(id: usize, (first, second): (&str, &str), label: &str, group: Option<usize>) -> Pair {
    serde_json::from_value(serde_json::json!({
        "id": id.to_string(), "first": first, "second": second, "label": label, "source": format!("s{id}"),
        "group": group.map(|group| group.to_string()), "provenance": "written here", "licence": "CC0-1.0",
    }))
    .unwrap()
}

/// What holds an `a` is supported, what holds a `z` is not.
fn three_labels() -> Vec<Pair> {
    let texts = ["abc", "azbc", "bcd", "abd", "zbc", "cde", "acd", "zcd"];
    let label = |text: &str| match (text.contains('z'), text.contains('a')) {
        (true, _) => "not supported",
        (false, true) => "supported",
        _ => "unknown",
    };
    let each = texts.iter().enumerate();
    each.map(|(number, text)| pair(number, ("bcd", text), label(text), None)).collect()
}

fn items(config: &PairsConfig, pairs: &[Pair]) -> Result<Vec<PairItem>, TrainError> {
    let base = base();
    ItemMaker::new(&base.tokenizer, config.limits, &config.pairs).items(pairs)
}

/// Trains in `folder`; the last loss.
fn train(config: &PairsConfig, pairs: &[Pair], folder: &std::path::Path) -> f64 {
    let items = items(config, pairs).unwrap();
    let model = PairsModel::new(&base(), config, None).unwrap();
    let run = Run {
        model: &model,
        training: &items,
        validation: &items,
        settings: &config.fit,
        adam: config.adam,
        seed: config.seed,
        folder,
        fingerprint: String::new(),
        resume: false,
    };
    run.fit(|_| ()).unwrap();
    run.validation_loss().unwrap()
}

#[test]
fn a_run_learns_its_labels_and_the_files_score_as_it_did() {
    let (config, pairs) =
        (config("['supported', 'contradicted', 'unknown']\nneutral = 'unknown'", "supported"), three_labels());
    let folder = tempfile::tempdir().unwrap();
    assert!(train(&config, &pairs, folder.path()) < 0.4);
    let out = folder.path().join(PAIRS);
    let tuned = tune(base(), &out, &pairs, ("supported", None), 2).unwrap();
    assert!(tuned.balanced_accuracy > 0.9 && tuned.pairs == 8, "{tuned:?}");
    let files = AdapterFiles::read(&out).unwrap();
    let (base, head, settings) = on_base(base(), &files).unwrap();
    assert_eq!(settings.thresholds["supported"], tuned.threshold);
    let model = PairModel::new(base.bert, head, base.tokenizer, settings);
    let supported = model.score(&[("bcd", "abc"), ("bcd", "zcd")]).unwrap();
    assert!(supported[0][0] > tuned.threshold && supported[1][0] < tuned.threshold, "{supported:?}");
    let texts = [("bcd", "abc"), ("bcd", "cde")];
    assert_eq!(logits(&model, &texts, 1).unwrap(), logits(&model, &texts, 2).unwrap());
    // Another base is refused.
    let other = Base { sha256: "1".repeat(64), ..self::base() };
    assert!(on_base(other, &files).unwrap_err().to_string().contains("trained on the base"));
}

#[test]
fn pairs_of_a_group_compete_and_lower_layers_can_do_alone() {
    let mut config = config("['relevant']", "relevant");
    config.pairs.layers = Some(1);
    let group = |number: usize| {
        let label = |at: usize| if at == 0 { "relevant" } else { "not relevant" };
        ["abc", "bcd", "cde"].iter().enumerate().map(move |(at, text)| (number * 3 + at, *text, label(at)))
    };
    let pairs: Vec<Pair> = (0..8)
        .flat_map(|number| group(number).map(move |(id, text, label)| pair(id, ("efg", text), label, Some(number))))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    assert!(train(&config, &pairs, folder.path()) < 0.2);
    let files = AdapterFiles::read(&folder.path().join(PAIRS)).unwrap();
    let (base, _, settings) = on_base(base(), &files).unwrap();
    assert_eq!((base.bert.layers.len(), settings.layers), (1, 1));
    config.pairs.layers = Some(9);
    assert!(matches!(PairsModel::new(&self::base(), &config, None), Err(TrainError::NoLayer { layer: 8, layers: 2 })));
}

#[test]
fn what_cannot_be_learned_from_is_counted_and_an_unknown_label_named() {
    let config = config("['supported', 'unknown']", "supported");
    let pairs = [
        pair(1, ("abc", "abc def ghi jkl mno pqr stu vwx"), "supported", None),
        pair(2, ("abcdefghijk", "abc"), "supported", None),
        pair(3, ("abc", "abc"), "unknown", None),
    ];
    let base = base();
    let mut maker = ItemMaker::new(&base.tokenizer, config.limits, &config.pairs);
    assert_eq!(maker.items(&pairs).unwrap().len(), 1);
    assert_eq!((maker.counts.several_windows, maker.counts.long_firsts, maker.counts.items), (1, 1, 1));
    let unknown = items(&config, &[pair(1, ("a", "b"), "refuted", None)]).unwrap_err().to_string();
    assert!(unknown.contains("refuted") && unknown.contains("supported, unknown"), "{unknown}");
}

#[test]
fn a_run_keeps_the_biases_and_norms_of_what_it_goes_on_from() {
    let config = config("['supported', 'unknown']", "supported");
    let begun = PairsModel::new(&base(), &config, None).unwrap().files().unwrap();
    // A mean of readers has vectors of its own.
    let mut adapter = Adapter::from_files(&begun).unwrap();
    let mut own = vectors(1, &base().bert.layers[1]).unwrap();
    own.values_mut().flat_map(|(_, numbers)| numbers).for_each(|number| *number += 0.5);
    let bias = own.keys().find(|name| name.ends_with("query.base_layer.bias")).unwrap().clone();
    let norm = own.keys().find(|name| name.ends_with("output.LayerNorm.weight")).unwrap().clone();
    adapter.whole.extend(own.clone());
    adapter.config.bias = "all".to_owned();
    let norms = own.keys().filter(|name| name.contains("LayerNorm")).map(|name| name.rsplit_once('.').unwrap().0);
    let saved = ["classifier"].into_iter().chain(norms).map(str::to_owned).collect();
    adapter.config.modules_to_save = Some(saved);
    let mut from = adapter.to_files(Precision::F32).unwrap();
    from.insert(PAIR_SETTINGS, begun.need(PAIR_SETTINGS).unwrap().to_vec());

    let model = PairsModel::new(&base(), &config, Some(&from)).unwrap();
    let files = model.files().unwrap();
    assert_eq!(Adapter::from_files(&files).unwrap().whole[&bias], own[&bias]);
    let (put, ..) = on_base(base(), &files).unwrap();
    let there = vectors(1, &put.bert.layers[1]).unwrap();
    assert_eq!((&there[&bias], &there[&norm]), (&own[&bias], &own[&norm]));
    assert_eq!(vectors(0, &put.bert.layers[0]).unwrap(), vectors(0, &base().bert.layers[0]).unwrap());
    // What was trained on another base means nothing on this one.
    let other = Base { sha256: "1".repeat(64), ..base() };
    let error = PairsModel::new(&other, &config, Some(&from)).err().unwrap().to_string();
    assert!(error.contains("trained on the base"), "{error}");
}

#[test]
fn a_model_serves_with_the_windows_of_its_recipe_and_is_tuned_with_them() {
    let mut config = config("['supported', 'unknown']", "supported");
    let settings = |config: &PairsConfig| -> PairSettings {
        let files = PairsModel::new(&base(), config, None).unwrap().files().unwrap();
        serde_json::from_slice(files.need(PAIR_SETTINGS).unwrap()).unwrap()
    };
    assert_eq!(settings(&config).limits, config.limits);
    config.served = Some(PairLimits { window: 40, first: 16, ..config.limits });
    assert_eq!(settings(&config).limits, config.served());
    // Of the firsts that are too long for one, the other takes some.
    let pairs = [
        pair(1, ("abcdefghijkl", "abc"), "supported", None),
        pair(2, ("abc", "abc"), "unknown", None),
        pair(3, ("abcdefghijklmnopqrst", "abc"), "unknown", None),
    ];
    let labels = (config.pairs.labels.as_slice(), "supported");
    let tokenizer = base().tokenizer;
    let (kept, long) = tunable(&tokenizer, config.served(), labels, &pairs).unwrap();
    assert_eq!((kept.len(), long), (2, 1));
    // Nothing that is supported is left: said before the run, and not after it.
    let error = tunable(&tokenizer, config.limits, labels, &pairs).unwrap_err().to_string();
    assert!(error.contains("2 whose first text is too long"), "{error}");
}
