//! The forward pass against plain candle, and the promises of prefix reuse, stopping and threads.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::models::adapter::Precision;
use crate::models::generator::{
    adapter::{AdapterMode, AdapterOption, neighbours},
    load::load,
    reference,
    tiny::{self, Noise, Shape},
};

fn model(shape: &Shape) -> Llama {
    let folder = tempfile::tempdir().unwrap();
    Llama::new(load(&tiny::write(folder.path(), shape), None).unwrap().weights, 1024)
}

fn adapted(mode: AdapterMode) -> Llama {
    let folder = tempfile::tempdir().unwrap();
    let files = tiny::adapter("").to_files(Precision::F32).unwrap();
    let adapter = AdapterOption { name: "tiny".into(), files, mode };
    Llama::new(load(&tiny::write(folder.path(), &Shape::default()), Some(&adapter)).unwrap().weights, 1024)
}

/// The tiny model as it comes, and with an adapter whose products are computed in other ways.
fn models() -> [Llama; 3] {
    [model(&Shape::default()), adapted(AdapterMode::Beside), adapted(AdapterMode::MergedDense)]
}

fn read(model: &mut Llama, prompt: &[u32]) -> Vec<f32> {
    assert_eq!(model.prefill(prompt, || Step::Continue), Step::Continue);
    model.buffers.logits.clone()
}

fn continue_greedily(model: &mut Llama, prompt: &[u32], count: usize) -> Vec<u32> {
    let mut tokens = Vec::new();
    let end = model.generate(prompt, count, &[], |token| {
        tokens.extend(token);
        Step::Continue
    });
    assert_eq!(end, End::MaxTokens);
    tokens
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn scores_match_plain_candle_operations() {
    for tied in [true, false] {
        let shape = Shape { tied, ..Shape::default() };
        let mut model = model(&shape);
        let tokens = Noise(11).tokens(70);
        let right = reference::logits(&model.weights.config, &tiny::tensors(&shape), &tokens);
        for length in [1, 2, 31, 32, 33, 64, 70] {
            model.wipe();
            let difference = largest_difference(&read(&mut model, &tokens[..length]), &right[length - 1]);
            assert!(difference < 2e-4, "{length}: {difference}");
        }
    }
}

#[test]
fn reading_at_once_and_token_by_token_agree() {
    for mut model in models() {
        let tokens = Noise(12).tokens(300);
        let at_once = read(&mut model, &tokens);
        model.wipe();
        for (position, token) in tokens.iter().enumerate() {
            model.forward(&[*token], position, Product::Vectors);
        }
        model.score_rows(0..1);
        let difference = largest_difference(&at_once, &model.buffers.logits);
        assert!(difference < 2e-4, "{difference}");
    }
}

#[test]
fn decoding_gives_the_tokens_that_rereading_gives() {
    for mut model in models() {
        let mut tokens = Noise(13).tokens(40);
        let decoded = continue_greedily(&mut model, &tokens, 30);
        let mut reread = Vec::new();
        for _ in 0..30 {
            model.wipe();
            reread.extend(best(&read(&mut model, &tokens)));
            tokens.extend(reread.last());
        }
        assert_eq!(decoded, reread);
    }
}

#[test]
fn tokens_that_are_read_together_get_the_bits_of_each_alone() {
    for mut model in models() {
        let (prompt, more) = (Noise(22).tokens(61), Noise(23).tokens(9));
        read(&mut model, &prompt);
        let mut alone = Vec::new();
        for (at, token) in more.iter().enumerate() {
            model.forward(&[*token], prompt.len() + at, Product::Vectors);
            model.score_rows(0..1);
            alone.push(model.scores(0).to_vec());
        }
        for together in [2, 3, 4, 5, 9] {
            // What was guessed wrong is still there.
            model.forward(&Noise(24).tokens(12), prompt.len(), Product::Vectors);
            for (run, tokens) in more.chunks(together).enumerate() {
                model.forward(tokens, prompt.len() + run * together, Product::Vectors);
                model.score_rows(0..tokens.len());
                for row in 0..tokens.len() {
                    assert!(model.scores(row) == alone[run * together + row], "{row} of {together}");
                }
            }
        }
    }
}

#[test]
fn guessing_changes_no_token_and_finds_some() {
    for mut model in models() {
        let mut passes = (0, 0);
        for seed in 0..20 {
            // A text that repeats itself, as answers repeat their passages.
            let tokens = Noise(100 + seed).tokens(12).repeat(3);
            let (plain, end) = model.trace(&tokens, 40, &[], |_| ());
            assert_eq!(end, End::MaxTokens);
            assert_eq!(continue_greedily(&mut model, &tokens, 40), plain);
            passes.0 += plain.len();
            passes.1 += model.passes;
        }
        assert!(passes.1 < passes.0, "{passes:?}");
    }
}

#[test]
fn a_shared_beginning_is_reused_to_the_bit() {
    let tokens = Noise(14).tokens(600);
    let lengths = [(600, 600), (599, 600), (40, 300), (256, 257), (288, 290), (33, 34), (31, 500), (0, 9)];
    for mut model in models() {
        for (shared, length) in lengths {
            let mut other = tokens[..shared].to_vec();
            other.extend(Noise(15).tokens(length - shared));
            model.wipe();
            let fresh = read(&mut model, &other);
            model.wipe();
            read(&mut model, &tokens);
            continue_greedily(&mut model, &tokens, 5);
            assert!(read(&mut model, &other) == fresh, "{shared} of {length}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for mut model in models() {
        let tokens = Noise(16).tokens(90);
        let mut on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            model.wipe();
            pool.install(|| continue_greedily(&mut model, &tokens, 20))
        };
        let alone = on(1);
        assert_eq!((on(2), on(5)), (alone.clone(), alone));
    }
}

#[test]
fn end_tokens_and_abandonment_stop_at_once() {
    let mut model = model(&Shape::default());
    let tokens = Noise(17).tokens(20);
    let free = continue_greedily(&mut model, &tokens, 10);
    let mut seen = Vec::new();
    let end = model.generate(&tokens, 10, &[free[4]], |token| {
        seen.extend(token);
        Step::Continue
    });
    let first = free.iter().position(|token| *token == free[4]).unwrap();
    assert_eq!((end, seen.as_slice()), (End::Done, &free[..first]));
    let mut steps = 0;
    let end = model.generate(&tokens, 10, &[], |token| {
        steps += usize::from(token.is_some());
        if steps == 2 { Step::Abandon } else { Step::Continue }
    });
    assert_eq!((end, steps), (End::Abandoned, 2));
    let long = Noise(18).tokens(600);
    let mut chunks = 0;
    let abandoned = model.prefill(&long, || {
        chunks += 1;
        if chunks == 3 { Step::Abandon } else { Step::Continue }
    });
    assert_eq!((abandoned, model.read.len()), (Step::Abandon, 512));
    let after = read(&mut model, &long);
    model.wipe();
    assert!(after == read(&mut model, &long));
}

#[test]
fn scores_that_are_not_finite_are_noticed_and_leave_no_trace() {
    let mut model = model(&Shape::default());
    let tokens = Noise(19).tokens(40);
    let sound = continue_greedily(&mut model, &tokens, 5);
    let norm = std::mem::replace(&mut model.weights.output_norm, vec![f32::INFINITY; 64]);
    assert_eq!(model.generate(&tokens, 5, &[], |_| Step::Continue), End::NotFinite);
    model.weights.output_norm = norm;
    assert_eq!(continue_greedily(&mut model, &tokens, 5), sound);
}

#[test]
fn an_adapter_changes_the_scores_as_in_hugging_face() {
    // Each kind of module alone, so that none can hide behind the others.
    for (part, ..) in tiny::MODULES {
        let (shape, adapter, tokens) = (Shape::default(), tiny::adapter(part), Noise(20).tokens(40));
        let files = adapter.to_files(Precision::F32).unwrap();
        let load_as = |mode: AdapterMode| {
            let folder = tempfile::tempdir().unwrap();
            let option = AdapterOption { name: "tiny".into(), files: files.clone(), mode };
            Llama::new(load(&tiny::write(folder.path(), &shape), Some(&option)).unwrap().weights, 64)
        };
        let config = model(&shape).weights.config;
        let right = reference::adapted(&config, &tiny::tensors(&shape), &adapter.pairs, &tokens).pop().unwrap();
        let bare = reference::logits(&config, &tiny::tensors(&shape), &tokens).pop().unwrap();
        let change = largest_difference(&right, &bare);
        assert!(change > 0.1, "{part}: {change}");
        if ["self_attn.q_proj", "self_attn.k_proj"].contains(&part) {
            // The comparison below would notice rows in the wrong order.
            let mut wrong = adapter.pairs.clone();
            wrong.values_mut().for_each(|pair| pair.b = neighbours(&pair.b, pair.rank, config.head_dim));
            let wrong = reference::adapted(&config, &tiny::tensors(&shape), &wrong, &tokens).pop().unwrap();
            assert!(largest_difference(&right, &wrong) > 0.1, "{part}");
        }
        for mode in [AdapterMode::Beside, AdapterMode::MergedDense] {
            let difference = largest_difference(&read(&mut load_as(mode), &tokens), &right);
            assert!(difference < 3e-4, "{part} {mode:?}: {difference}");
        }
        let rounded = largest_difference(&read(&mut load_as(AdapterMode::Merged), &tokens), &right);
        assert!(rounded < 0.05, "{part}: {rounded} of {change}");
    }
}

#[test]
fn a_trace_holds_the_scores_of_reading_and_writing() {
    let mut model = model(&Shape::default());
    let tokens = Noise(21).tokens(300);
    let (mut scores, answer) = (Vec::new(), continue_greedily(&mut model, &tokens, 8));
    let (traced, end) = model.trace(&tokens, 8, &[], |row| scores.push(row.to_vec()));
    assert_eq!((traced, end, scores.len()), (answer, End::MaxTokens, 308));
    for length in [1, 256, 299, 300] {
        model.wipe();
        let difference = largest_difference(&read(&mut model, &tokens[..length]), &scores[length - 1]);
        assert!(difference < 2e-4, "{length}: {difference}");
    }
}
