//! The kernels beside what the machine can do: `cargo bench --bench kernels`.
//!
//! `machine/…` is what bounds the others: how fast memory is read, and how fast a dense product of a good size is. Bytes
//! are those of weights, keys and values that must be read; elements are floating point operations.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use footnote::models::fused::product::{Into, View, multiply};
use footnote_kernels::{
    BLOCK, CODES, OUTPUTS, POSITIONS, panel_times_vectors, score_keys, swiglu, unpack_block, weigh_values,
};
use rayon::prelude::*;

/// Panels of a matrix that is larger than the caches: 64 MiB of codes.
const PANELS: usize = 3640;
/// The blocks of 576 inputs, as SmolLM2-135M has them.
const BLOCKS: usize = 18;

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect()
}

fn machine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("machine");
    let bytes: Vec<u64> = (0..32 << 20).collect();
    group.throughput(Throughput::Bytes(8 * bytes.len() as u64));
    group.bench_function("reading memory, all cores", |bencher| {
        bencher.iter(|| {
            bytes.par_chunks(1 << 16).map(|part| part.iter().fold(0, |sum, word| sum ^ word)).reduce(|| 0, |a, b| a ^ b)
        });
    });
    let (rows, inputs, outputs) = (256, 512, 1024);
    let (a, b) = (numbers(rows * inputs), numbers(inputs * outputs));
    let product = |out: &mut [f32]| {
        let (a, b) = (View::rows(&a, rows, inputs, inputs), View::rows(&b, inputs, outputs, outputs));
        multiply(a, b, 1.0, Into::Overwrite, out, outputs);
    };
    let operations = 2 * (rows * inputs * outputs) as u64;
    group.throughput(Throughput::Elements(operations));
    let mut out = vec![0.0; rows * outputs];
    group.bench_function("a dense product, one core", |bencher| bencher.iter(|| product(black_box(&mut out))));
    let threads = rayon::current_num_threads();
    let mut outs = vec![vec![0.0; rows * outputs]; threads];
    group.throughput(Throughput::Elements(operations * threads as u64));
    group.bench_function("a dense product on each core", |bencher| {
        bencher.iter(|| outs.par_iter_mut().for_each(|out| product(black_box(out))));
    });
    group.finish();
}

fn packed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("packed matrix, all cores");
    let codes: Vec<u8> = (0..PANELS * BLOCKS * CODES).map(|i| (i * 53 % 251) as u8).collect();
    let (scales, floors) = (numbers(PANELS * BLOCKS * OUTPUTS), numbers(PANELS * BLOCKS * OUTPUTS));
    group.throughput(Throughput::Bytes((codes.len() + 4 * (scales.len() + floors.len())) as u64));
    for vectors in [1, 2, 4, 8] {
        let x = numbers(vectors * BLOCKS * BLOCK);
        let sums: Vec<f32> = x.chunks_exact(BLOCK).map(|block| block.iter().sum()).collect();
        let mut out = vec![0.0; PANELS * vectors * OUTPUTS];
        group.bench_function(format!("times {vectors} vectors"), |bencher| {
            bencher.iter(|| {
                out.par_chunks_mut(vectors * OUTPUTS).with_min_len(64).enumerate().for_each(|(panel, out)| {
                    let [codes_at, scales_at] =
                        [CODES, OUTPUTS].map(|size| panel * BLOCKS * size..(panel + 1) * BLOCKS * size);
                    panel_times_vectors(
                        &codes[codes_at],
                        &scales[scales_at.clone()],
                        &floors[scales_at],
                        &x,
                        &sums,
                        out,
                    );
                });
            });
        });
    }
    let mut tile = vec![0.0; BLOCK * OUTPUTS];
    group.throughput(Throughput::Bytes((CODES + 8 * OUTPUTS) as u64));
    group.bench_function("unpacking a block, one core", |bencher| {
        bencher.iter(|| {
            unpack_block(&codes[..CODES], &scales[..OUTPUTS], &floors[..OUTPUTS], black_box(&mut tile), OUTPUTS)
        });
    });
    group.finish();
}

fn attention(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attention to 1,024 positions, one core");
    // Three query heads share a key/value head, as in SmolLM2-135M.
    let (heads, depth, tile, seen) = (3, 64, 4 * POSITIONS, 1024);
    let (queries, keys, values) = (numbers(heads * depth), numbers(seen * depth), numbers(seen * depth));
    let mut scores = vec![0.0; heads * seen];
    group.throughput(Throughput::Bytes(4 * keys.len() as u64));
    group.bench_function("scores of keys", |bencher| {
        bencher.iter(|| {
            for (number, keys) in keys.chunks_exact(depth * tile).enumerate() {
                score_keys(&queries, depth, 0.125, keys, tile, number * tile, black_box(&mut scores), seen);
            }
        });
    });
    let mut out = vec![0.0; heads * depth];
    group.bench_function("weighing values", |bencher| {
        bencher.iter(|| weigh_values(&scores, seen, 0, &values, depth, black_box(&mut out)));
    });
    let (width, gate_up) = (1536, numbers(2 * 1536));
    let mut gated = vec![0.0; width];
    group.throughput(Throughput::Bytes(4 * gate_up.len() as u64));
    group.bench_function("the gate behind it", |bencher| {
        bencher.iter(|| swiglu(&gate_up, width, black_box(&mut gated)));
    });
    group.finish();
}

criterion_group!(kernels, machine, packed, attention);
criterion_main!(kernels);
