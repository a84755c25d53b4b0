//! Tests of the generator in training with a tiny model: what it learns from, that it learns, that a run which was
//! killed goes on to the same losses, and that what is saved is what was trained.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use super::{conversations::ConversationMaker, *};
use crate::{
    models::{
        adapter::{ADAPTER_CONFIG, ADAPTER_WEIGHTS, Adapter},
        generator::tiny::{self, Shape},
    },
    train::{
        dataset::example::{Example, Expected, Kind, Passage, Span, SpanRole},
        fit::{FitEvent, Fitted, Run},
        metrics_log,
    },
};

fn llama() -> TrainingLlama {
    let folder = tempfile::tempdir().unwrap();
    TrainingLlama::load(&tiny::write(folder.path(), &Shape::default()), 1024).unwrap()
}

fn config(text: &str) -> GeneratorConfig {
    let common = "seed = 5\n[fit]\nepochs = 3\nbatch = 4\nmicro_batch_tokens = 900\nlearning_rate = 0.02\n\
                  checkpoint_every = 2\nvalidate_every = 3\n[lora]\nrank = 4\n";
    toml::from_str(&format!("{common}{text}")).unwrap()
}

fn passage(id: &str, text: &str) -> Passage {
    Passage { id: id.into(), title: "t".into(), text: text.into() }
}

/// The word `answer` stands in the passage `a`.
fn example(answer: Option<&str>, passages: Vec<Passage>) -> Example {
    let span = |answer: &str| {
        let start = passages.iter().find(|passage| passage.id == "a").unwrap().text.find(answer).unwrap() as u32;
        Span { passage: "a".into(), start, end: start + answer.len() as u32, role: SpanRole::Answer }
    };
    Example {
        id: "e".into(),
        kind: Kind::Task,
        history: vec![],
        parts: vec![],
        question: "  Who \n lit it? ".into(),
        expected: if answer.is_some() { Expected::Answered } else { Expected::Abstained },
        answer: answer.map(str::to_owned),
        short_answers: answer.map(str::to_owned).into_iter().collect(),
        support: answer.map(span).into_iter().collect(),
        passages,
        tags: Vec::new(),
        provenance: "us".into(),
        licence: "CC0-1.0".into(),
    }
}

fn examples(count: usize) -> Vec<Example> {
    let make = |number: usize| {
        let text = format!("It is lit by {}. Not more.", ["Ada", "Bo"][number % 2]);
        let passages = vec![passage("a", &text), passage("b", "Nothing here.")];
        example((!number.is_multiple_of(3)).then_some(["Ada", "Bo"][number % 2]), passages)
    };
    (0..count).map(make).collect()
}

fn make(llama: &TrainingLlama, config: &GeneratorConfig, examples: &[Example]) -> Vec<Conversation> {
    let mut maker = ConversationMaker::new(llama, &config.generator, config.seed);
    maker.conversations(examples).unwrap()
}

#[test]
fn an_example_becomes_the_prompt_of_the_product_and_a_sentence() {
    use crate::answer::prompts::{Shown, build, build_found};
    let (llama, config) = (llama(), config("[generator]\nmax_tokens = 1000\n"));
    let passages = vec![passage("b", "Nothing here."), passage("a", "One. Two. Three. It is lit by Ada. Four. Five.")];
    // The reader finds the answer: what stands around it.
    let found = example(Some("Ada"), passages.clone());
    let around = Shown { heading: "t", text: "Two. Three. It is lit by Ada. Four." };
    let prompt = build_found("Who lit it?", around, "Ada");
    // Nobody read: everything.
    let mut evidence = found.clone();
    evidence.support[0].role = SpanRole::Evidence;
    let shown: Vec<Shown<'_>> = passages.iter().map(|p| Shown { heading: "t", text: &p.text }).collect();
    let whole = build(|_| Ok(0), "Who lit it?", &shown, 9).unwrap();
    for (example, messages) in [(found, prompt), (evidence, whole.messages)] {
        let made = make(&llama, &config, &[example]);
        let (prompt, answer) =
            (llama.prompt_tokens(&messages).unwrap(), llama.answer_tokens("It is lit by Ada.").unwrap());
        assert_eq!(made[0].input(), &[prompt, answer[..answer.len() - 1].to_vec()].concat());
        assert_eq!(made[0].answer(), answer);
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let llama = llama();
    let long = "X".repeat(700);
    let evidence = |mut example: Example| {
        example.support.iter_mut().for_each(|span| span.role = SpanRole::Evidence);
        example
    };
    let mut cases = vec![
        example(Some("Ada"), vec![passage("a", "It is lit by Ada.")]),
        example(None, vec![passage("a", "It is lit.")]),
        example(Some("| 1 |"), vec![passage("a", "| 1 | 2 |")]),
        example(Some("Ada"), vec![passage("a", &format!("It is lit by Ada {}.", "y".repeat(100)))]),
        evidence(example(Some("Ada"), vec![passage("b", &long), passage("a", "It is lit by Ada.")])),
        example(Some("Ada"), vec![passage("a", &format!("It is lit by Ada. {long}"))]),
        example(Some("Ada"), vec![passage("a", "It is lit by Ada. One. Two. Why, is said here.")]),
    ];
    cases.push(Example { question: " ".into(), ..cases[0].clone() });
    cases.push(Example { answer: Some("It is Ada.".into()), support: Vec::new(), ..cases[0].clone() });
    let beyond = &mut cases[6];
    beyond.support.push(Span { passage: "a".into(), start: 28, end: 45, role: SpanRole::Evidence });
    let mut config = config("[generator]\npassages = 2\nmax_tokens = 1000\nanswer_tokens = 50\n");
    let mut maker = ConversationMaker::new(&llama, &config.generator, 1);
    let made = maker.conversations(&cases).unwrap();
    let counts = maker.counts;
    assert_eq!((counts.examples, counts.conversations, counts.abstentions), (9, made.len(), 1));
    assert_eq!((counts.without_sentence, counts.long_answers, counts.refused_questions), (1, 1, 1));
    assert_eq!((counts.without_support, counts.long_conversations), (1, 1));
    // At the second place the passage with the evidence does not fit into the prompt; at the first it stands alone. What
    // carries a part of the answer further on is never shown.
    assert!(counts.support_not_shown >= 1 && counts.own_answers == 0, "{counts:?}");
    assert_eq!(counts.support_not_shown + counts.passage_sentences, 3);
    // Every example in the order of its passages needs no support to be marked.
    config.generator.passages = None;
    let made = make(&llama, &config, &cases[8..]);
    assert_eq!(made.len(), 1);
}

fn fit(
    folder: &Path,
    text: &str,
    resume: bool,
    watch: impl FnMut(&FitEvent),
) -> (GeneratorModel, Result<Fitted, TrainError>) {
    let (llama, config) = (llama(), config(text));
    let (training, validation) = (make(&llama, &config, &examples(10)), make(&llama, &config, &examples(4)));
    let model = GeneratorModel::new(llama, &config).unwrap();
    let run = Run {
        model: &model,
        training: &training,
        validation: &validation,
        settings: &config.fit,
        adam: config.adam,
        seed: config.seed,
        folder,
        fingerprint: "tiny".into(),
        resume,
    };
    let fitted = run.fit(watch);
    (model, fitted)
}

/// Of each step the losses and the length of the gradient: everything that does not depend on the clock.
fn figures(folder: &Path) -> Vec<[f64; 4]> {
    let records = metrics_log::read(&folder.join("metrics.jsonl")).unwrap();
    let figures = |record: &metrics_log::StepRecord| {
        [record.step as f64, record.loss, record.gradient_norm, record.validation_loss.unwrap_or(0.0)]
    };
    records.iter().map(figures).collect()
}

fn same(a: &[[f64; 4]], b: &[[f64; 4]], tolerance: f64) -> bool {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance * b.abs();
    a.len() == b.len() && a.iter().flatten().zip(b.iter().flatten()).all(close)
}

#[test]
fn it_learns_and_saves_an_adapter_of_what_it_learned() {
    let folder = tempfile::tempdir().unwrap();
    let (model, fitted) = fit(folder.path(), "[generator]\nmax_tokens = 1000\n", false, |_| ());
    let fitted = fitted.unwrap();
    let records = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
    assert!(fitted.best_loss < 0.7 * records[0].loss, "{fitted:?} {records:?}");
    let measured = records.iter().find(|record| record.validation_loss.is_some()).unwrap();
    assert!((measured.perplexity.unwrap().ln() - measured.validation_loss.unwrap()).abs() < 1e-9, "{measured:?}");
    let table = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    assert!(table.lines().next().unwrap().contains(",perplexity,"), "{table}");
    let files = AdapterFiles::read(&folder.path().join(ADAPTER)).unwrap();
    assert_eq!(files.names().collect::<Vec<_>>(), [ADAPTER_CONFIG, ADAPTER_WEIGHTS, CARD]);
    let card: serde_json::Value = serde_json::from_slice(files.get(CARD).unwrap()).unwrap();
    assert_eq!(card["base_sha256"], model.llama().sha256());
    let adapter = Adapter::from_files(&files).unwrap();
    assert_eq!(adapter.pairs.len(), 14);
    assert!(adapter.pairs.values().all(|pair| pair.scale == 8.0 && pair.b.iter().any(|number| *number != 0.0)));
    if fitted.best_step == fitted.steps {
        assert_eq!(files, model.files().unwrap());
    }
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_losses_and_the_cache_changes_little() {
    let mut all = Vec::new();
    for cache in ["false", "true", "'f16'"] {
        let text = format!("[generator]\nmax_tokens = 1000\ntrainable_layers = 1\ncache_trunk = {cache}\n");
        let whole = tempfile::tempdir().unwrap();
        fit(whole.path(), &text, false, |_| ()).1.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let killed = std::panic::catch_unwind(|| {
            fit(folder.path(), &text, false, |event| {
                if matches!(event, FitEvent::Step(record) if record.step == 5) {
                    std::panic::resume_unwind(Box::new("killed"));
                }
            })
        });
        assert!(killed.is_err());
        fit(folder.path(), &text, true, |_| ()).1.unwrap();
        // To the last digit that the log keeps.
        assert!(same(&figures(folder.path()), &figures(whole.path()), 1e-14), "{cache}");
        all.push(figures(whole.path()));
    }
    // A model this small turns rounding to half precision into other gradients after some steps, and into other losses
    // later.
    let losses = |run: &[[f64; 4]]| -> Vec<[f64; 4]> {
        run.iter().map(|[step, loss, _, measured]| [*step, *loss, 0.0, *measured]).collect()
    };
    assert!(same(&all[2][..4], &all[0][..4], 1e-2), "{all:?}");
    assert!(same(&all[1], &all[0], 1e-3) && same(&losses(&all[2]), &losses(&all[0]), 1e-2), "{all:?}");
}

#[test]
fn a_cache_that_does_not_fit_and_layers_that_are_not_there_are_refused() {
    let config =
        config("[generator]\nmax_tokens = 1000\ntrainable_layers = 1\ncache_trunk = true\ncache_trunk_mib = 0\n");
    let llama = llama();
    let made = make(&llama, &config, &examples(3));
    let error = GeneratorModel::new(llama, &config).unwrap().check_trunk_cache(&made).unwrap_err().to_string();
    assert!(error.contains("needs 1 MiB") && error.contains("allows 0"), "{error}");
    let mut off = config.clone();
    off.generator.cache_trunk = TrunkCache::Off;
    assert_eq!(GeneratorModel::new(self::llama(), &off).unwrap().check_trunk_cache(&made).unwrap(), 0);
    off.generator.trainable_layers = Some(3);
    let error = GeneratorModel::new(self::llama(), &off).err().unwrap().to_string();
    assert!(error.contains("has 2 layers"), "{error}");
}
