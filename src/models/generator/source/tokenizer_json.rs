//! A `tokenizer.json` as the metadata of a GGUF file, as llama.cpp's conversion would write them
//! (<https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py>).
//!
//! Only byte-level BPE of a known family is recognised: a tokenizer that does anything else is refused, since a model reads
//! nonsense with another one than it has learned with. May depend on `tokenizer` for the families.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::Value;
use serde::Deserialize;

use crate::models::generator::{GeneratorError, tokenizer::Splitter};

/// GGUF's types of tokens.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// What matters of the file.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Kind>,
    pre_tokenizer: Option<PreTokenizer>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    special: bool,
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PreTokenizer {
    Sequence {
        pretokenizers: Vec<PreTokenizer>,
    },
    ByteLevel {
        add_prefix_space: bool,
        use_regex: Option<bool>,
    },
    Digits {
        individual_digits: bool,
    },
    Split {
        pattern: Pattern,
        behavior: String,
        invert: bool,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
enum Pattern {
    String(serde::de::IgnoredAny),
    Regex(String),
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    r#type: Option<String>,
    vocab: HashMap<String, u32>,
    merges: Vec<Merge>,
    #[serde(default)]
    byte_fallback: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair([String; 2]),
    Joined(String),
}

fn refuse(reason: impl Into<String>) -> GeneratorError {
    GeneratorError::Load(format!("tokenizer.json: {}", reason.into()))
}

/// The metadata for a model of `size` tokens.
pub(super) fn metadata(bytes: &[u8], size: usize) -> Result<Vec<(&'static str, Value)>, GeneratorError> {
    let file: File = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
    if file.model.r#type.as_deref().is_some_and(|kind| kind != "BPE") || file.model.byte_fallback {
        return Err(refuse("only byte-level BPE is supported"));
    }
    let splitter = recognise(file.pre_tokenizer.as_ref()).ok_or_else(|| {
        refuse("its way to cut text is none that is known (GPT-2's, SmolLM's, Qwen2's and Llama 3's are)")
    })?;
    let normalizer = file.normalizer.map(|normalizer| normalizer.r#type);
    if normalizer.as_deref() != splitter.composes().then_some("NFC") {
        return Err(refuse(format!("its normalizer {normalizer:?} is none that is known")));
    }
    let mut tokens: Vec<Option<(String, i32)>> = vec![None; size];
    let normal = file.model.vocab.into_iter().map(|(token, id)| (token, id, NORMAL));
    let added = file
        .added_tokens
        .into_iter()
        .map(|Added { id, content, special }| (content, id, if special { CONTROL } else { USER_DEFINED }));
    for (token, id, kind) in normal.chain(added) {
        let place = tokens.get_mut(id as usize);
        let place = place.ok_or_else(|| refuse(format!("token {id} is beyond the model's {size}")))?;
        *place = Some((token, kind));
    }
    // The model may have rows that no token stands for.
    let tokens = tokens.into_iter().enumerate();
    let (tokens, types): (Vec<Value>, Vec<Value>) = tokens
        .map(|(id, token)| token.unwrap_or_else(|| (format!("[PAD{id}]"), UNUSED)))
        .map(|(token, kind)| (Value::String(token), Value::I32(kind)))
        .unzip();
    let merges = file.model.merges.into_iter().map(|merge| match merge {
        Merge::Pair([left, right]) => Value::String(format!("{left} {right}")),
        Merge::Joined(merge) => Value::String(merge),
    });
    Ok(vec![
        ("tokenizer.ggml.model", Value::String("gpt2".into())),
        ("tokenizer.ggml.pre", Value::String(splitter.name().into())),
        ("tokenizer.ggml.tokens", Value::Array(tokens)),
        ("tokenizer.ggml.token_type", Value::Array(types)),
        ("tokenizer.ggml.merges", Value::Array(merges.collect())),
    ])
}

/// The family whose way to cut text this is.
fn recognise(pre_tokenizer: Option<&PreTokenizer>) -> Option<Splitter> {
    use PreTokenizer::{ByteLevel, Digits, Sequence, Split};
    let bytes = |part: &PreTokenizer, cuts: bool| matches!(part, ByteLevel { add_prefix_space: false, use_regex } if use_regex.unwrap_or(true) == cuts);
    match pre_tokenizer? {
        Sequence { pretokenizers } => match pretokenizers.as_slice() {
            [Digits { individual_digits: true }, last] if bytes(last, true) => Some(Splitter::SmolLm),
            [Split { pattern: Pattern::Regex(expression), behavior, invert: false }, last]
                if behavior == "Isolated" && bytes(last, false) =>
            {
                let known = [Splitter::Qwen2, Splitter::Llama3].into_iter();
                known.into_iter().find(|splitter| splitter.expression() == Some(expression))
            }
            [only] => recognise(Some(only)),
            _ => None,
        },
        part if bytes(part, true) => Some(Splitter::Gpt2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn recognised(pre_tokenizer: serde_json::Value) -> Option<Splitter> {
        recognise(Some(&serde_json::from_value(pre_tokenizer).unwrap()))
    }

    #[test]
    fn the_ways_to_cut_text_are_recognised_by_what_they_do() {
        let bytes = |regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex});
        let sequence = |parts: Vec<serde_json::Value>| json!({"type": "Sequence", "pretokenizers": parts});
        let split = |expression: &str| json!({"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": false});
        let digits = json!({"type": "Digits", "individual_digits": true});
        assert_eq!(recognised(bytes(true)), Some(Splitter::Gpt2));
        assert_eq!(recognised(sequence(vec![digits.clone(), bytes(true)])), Some(Splitter::SmolLm));
        for splitter in [Splitter::Qwen2, Splitter::Llama3] {
            let known = sequence(vec![split(splitter.expression().unwrap()), bytes(false)]);
            assert_eq!(recognised(known), Some(splitter));
        }
        for unknown in [
            bytes(false),
            json!({"type": "Metaspace", "replacement": "_"}),
            sequence(vec![split(r"\p{N}"), bytes(false)]),
            sequence(vec![digits.clone(), digits, bytes(true)]),
            json!({"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}),
        ] {
            assert_eq!(recognised(unknown.clone()), None, "{unknown}");
        }
    }

    #[test]
    fn tokens_keep_their_numbers_and_their_kinds_and_gaps_are_filled() {
        let file = json!({
            "added_tokens": [{"id": 2, "content": "<|im_end|>", "special": true}, {"id": 4, "content": "<tool>", "special": false}],
            "normalizer": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b", ["b", "a"]]},
        });
        let bytes = serde_json::to_vec(&file).unwrap();
        let found: HashMap<_, _> = metadata(&bytes, 6).unwrap().into_iter().collect();
        let texts = |key: &str| match &found[key] {
            Value::Array(values) => values.iter().map(|value| value.to_string().unwrap().clone()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(texts("tokenizer.ggml.tokens"), ["a", "b", "<|im_end|>", "[PAD3]", "<tool>", "[PAD5]"]);
        assert_eq!(texts("tokenizer.ggml.merges"), ["a b", "b a"]);
        let Value::Array(types) = &found["tokenizer.ggml.token_type"] else { panic!() };
        let types: Vec<_> = types.iter().map(|kind| kind.to_i32().unwrap()).collect();
        assert_eq!(types, [NORMAL, NORMAL, CONTROL, UNUSED, USER_DEFINED, UNUSED]);
        assert!(metadata(&bytes, 4).is_err_and(|error| error.to_string().contains("beyond")));
        let composed = serde_json::to_vec(
            &json!({"normalizer": {"type": "NFC"}, "pre_tokenizer": file["pre_tokenizer"], "model": file["model"]}),
        );
        assert!(metadata(&composed.unwrap(), 6).is_err_and(|error| error.to_string().contains("normalizer")));
        assert!(metadata(b"{}", 6).is_err());
    }
}
