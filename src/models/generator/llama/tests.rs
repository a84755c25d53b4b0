//! The forward pass against plain candle, and the promises of prefix reuse, stopping and threads.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::models::adapter::Precision;
use crate::models::generator::{
    adapter::{AdapterMode, AdapterOption, neighbours},
    load::load,
    reference,
    sequence::best,
    tiny::{self, Noise, Shape},
};

fn model(shape: &Shape) -> Llama {
    let folder = tempfile::tempdir().unwrap();
    Llama::new(load(&tiny::write(folder.path(), shape), None).unwrap().weights, 1024, 2048)
}

fn adapted(mode: AdapterMode) -> Llama {
    let folder = tempfile::tempdir().unwrap();
    let files = tiny::adapter("").to_files(Precision::F32).unwrap();
    let adapter = AdapterOption { name: "tiny".into(), files, mode };
    Llama::new(load(&tiny::write(folder.path(), &Shape::default()), Some(&adapter)).unwrap().weights, 1024, 2048)
}

/// The tiny model as it comes, and with an adapter whose products are computed in other ways.
fn models() -> [Llama; 3] {
    [model(&Shape::default()), adapted(AdapterMode::Beside), adapted(AdapterMode::MergedDense)]
}

/// The scores after a prompt.
fn read(model: &mut Llama, prompt: &[u32]) -> Vec<f32> {
    let mut sequence = model.begin(prompt, 1).unwrap();
    while sequence.is_reading() {
        model.read(&mut [&mut sequence], CHUNK, &[]);
    }
    model.finish(sequence);
    model.buffers.logits.clone()
}

/// The whole of an answer.
fn generate(model: &mut Llama, prompt: &[u32], count: usize, ends: &[u32]) -> Sequence {
    let mut sequence = model.begin(prompt, count).unwrap();
    while sequence.end().is_none() {
        match sequence.is_reading() {
            true => model.read(&mut [&mut sequence], CHUNK, ends),
            false => model.write(&mut [&mut sequence], ends),
        }
    }
    sequence
}

fn continue_greedily(model: &mut Llama, prompt: &[u32], count: usize) -> Vec<u32> {
    let sequence = generate(model, prompt, count, &[]);
    assert_eq!(sequence.end(), Some(End::MaxTokens));
    let written = sequence.written().to_vec();
    model.finish(sequence);
    written
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn scores_match_plain_candle_operations() {
    for (family, tied) in [("llama", true), ("llama", false), ("qwen2", true), ("qwen2", false)] {
        let shape = Shape { tied, family, ..Shape::default() };
        let mut model = model(&shape);
        let tokens = Noise(11).tokens(70);
        let right = reference::logits(&model.weights.config, &tiny::tensors(&shape), &tokens);
        for length in [1, 2, 31, 32, 33, 64, 70] {
            model.wipe();
            let difference = largest_difference(&read(&mut model, &tokens[..length]), &right[length - 1]);
            assert!(difference < 2e-4, "{family} {length}: {difference}");
        }
    }
}

#[test]
fn reading_at_once_and_token_by_token_agree() {
    for mut model in models() {
        let tokens = Noise(12).tokens(300);
        let at_once = read(&mut model, &tokens);
        model.wipe();
        let Sequence { pages, .. } = model.begin(&tokens, 1).unwrap();
        for (position, token) in tokens.iter().enumerate() {
            model.forward(&[Run { tokens: &[*token], position, pages: &pages }], Product::Vectors);
        }
        model.score(&[0]);
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
        let [prompt, more, wrong] = [(22, 61), (23, 9), (24, 12)].map(|(seed, length)| Noise(seed).tokens(length));
        let mut sequence = model.begin(&prompt, 100).unwrap();
        model.read(&mut [&mut sequence], CHUNK, &[]);
        let pages = sequence.pages.clone();
        let run = |tokens, at: usize| Run { tokens, position: prompt.len() + at, pages: &pages };
        let mut alone = Vec::new();
        for at in 0..more.len() {
            model.forward(&[run(&more[at..at + 1], at)], Product::Vectors);
            model.score(&[0]);
            alone.push(model.scores(0).to_vec());
        }
        for together in [2, 3, 4, 5, 9] {
            // What was guessed wrong is still there.
            model.forward(&[run(&wrong, 0)], Product::Vectors);
            for (part, tokens) in more.chunks(together).enumerate() {
                model.forward(&[run(tokens, part * together)], Product::Vectors);
                model.score(&(0..tokens.len()).collect::<Vec<_>>());
                for row in 0..tokens.len() {
                    assert!(model.scores(row) == alone[part * together + row], "{row} of {together}");
                }
            }
        }
    }
}

#[test]
fn a_prompt_gets_the_same_bits_in_whatever_parts_and_company_it_is_read() {
    for (kind, mut model) in models().into_iter().enumerate() {
        let prompts: Vec<Vec<u32>> =
            [257, 2, 97, 31, 64, 130, 33].iter().zip(30..).map(|(length, seed)| Noise(seed).tokens(*length)).collect();
        let alone: Vec<Vec<f32>> = prompts
            .iter()
            .map(|prompt| {
                model.wipe();
                read(&mut model, prompt)
            })
            .collect();
        for room in [32, 64, 96, 128, 300, 1000] {
            model.wipe();
            let mut sequences: Vec<_> = prompts.iter().map(|prompt| model.begin(prompt, 1).unwrap()).collect();
            let mut found = vec![Vec::new(); prompts.len()];
            while sequences.iter().any(Sequence::is_reading) {
                let (numbers, mut reading): (Vec<_>, Vec<_>) =
                    sequences.iter_mut().enumerate().filter(|(_, sequence)| sequence.is_reading()).unzip();
                model.read(&mut reading, room, &[]);
                let read = numbers.iter().zip(&reading).filter(|(_, sequence)| !sequence.is_reading());
                for (row, (number, _)) in read.enumerate() {
                    found[*number] = model.scores(row).to_vec();
                }
            }
            for (number, (found, alone)) in found.iter().zip(&alone).enumerate() {
                assert!(found == alone, "model {kind}, prompt {number} in parts of {room}");
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
            let sequence = generate(&mut model, &tokens, 40, &[]);
            assert_eq!(sequence.written(), plain);
            passes.0 += plain.len();
            passes.1 += sequence.passes();
            model.finish(sequence);
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
fn an_end_token_ends_an_answer_and_a_sequence_that_is_left_does_no_harm() {
    let mut model = model(&Shape::default());
    let tokens = Noise(17).tokens(20);
    let free = continue_greedily(&mut model, &tokens, 10);
    let sequence = generate(&mut model, &tokens, 10, &[free[4]]);
    let first = free.iter().position(|token| *token == free[4]).unwrap();
    assert_eq!((sequence.end(), sequence.written()), (Some(End::Done), &free[..first]));
    model.finish(sequence);

    let long = Noise(18).tokens(600);
    let mut left = model.begin(&long, 10).unwrap();
    model.read(&mut [&mut left], CHUNK, &[]);
    assert_eq!(left.part_to_read(1000).0, CHUNK);
    model.finish(left);
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
    let broken = generate(&mut model, &tokens, 5, &[]);
    assert_eq!(broken.end(), Some(End::NotFinite));
    model.finish(broken);
    model.weights.output_norm = norm;
    // Keys and values that are not finite, too, both of a prompt and behind one.
    let mut sequence = model.begin(&tokens, 5).unwrap();
    let page = sequence.pages[0];
    model.pool.store(&[page], 0, 40, &[f32::NAN; 64], 64, 0);
    sequence.end = Some(End::NotFinite);
    model.finish(sequence);
    assert!(model.pool.keys(page, 0, 0).iter().all(|key| *key == 0.0));
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
            Llama::new(load(&tiny::write(folder.path(), &shape), Some(&option)).unwrap().weights, 64, 64)
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
