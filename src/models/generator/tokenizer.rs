//! The vocabulary of a GGUF file: text to tokens, tokens to bytes.
//!
//! Byte-level BPE as GPT-2 has it (<https://arxiv.org/abs/1508.07909>), run by the `tokenizers` crate. It is built
//! without any special tokens, so there is no text that encodes to one: a document that contains `<|im_start|>`
//! cannot begin a message. Control tokens are placed by number, by `chat` alone.

use std::collections::{HashMap, HashSet};

use tokenizers::{
    Tokenizer,
    models::bpe::{BPE, Vocab},
    normalizers::NFC,
};

pub(super) use self::splitter::Splitter;
use super::{GeneratorError, config::Metadata};

mod splitter;

/// Token types of GGUF that matter here.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// Text to tokens and back.
pub(super) struct Vocabulary {
    tokenizer: Tokenizer,
    /// The bytes of each token; empty for control tokens.
    bytes: Vec<Vec<u8>>,
    control: HashMap<String, u32>,
    /// Whether the vocabulary has a token for a byte.
    has_byte: [bool; 256],
}

fn refuse(reason: impl Into<String>) -> GeneratorError {
    GeneratorError::Load(reason.into())
}

impl Vocabulary {
    /// Builds the tokenizer that the file describes.
    pub fn read(metadata: &Metadata<'_>) -> Result<Self, GeneratorError> {
        let model = metadata.text("tokenizer.ggml.model")?.unwrap_or("none");
        if model != "gpt2" {
            return Err(refuse(format!("the tokenizer `{model}` is not supported, only byte-level BPE (`gpt2`) is")));
        }
        let name = metadata.text("tokenizer.ggml.pre")?.unwrap_or("gpt-2");
        let splitter = Splitter::named(name);
        let splitter = splitter.ok_or_else(|| refuse(format!("the pre-tokenizer `{name}` is not supported")))?;
        let tokens = metadata.texts("tokenizer.ggml.tokens")?;
        let types = metadata.numbers("tokenizer.ggml.token_type")?;
        if tokens.is_empty() || tokens.len() != types.len() {
            return Err(refuse(format!("the file has {} tokens but {} token types", tokens.len(), types.len())));
        }

        let byte_of: HashMap<char, u8> = (0..=255).map(|byte| (char_of(byte), byte)).collect();
        let (mut bytes, mut control, mut has_byte) = (Vec::with_capacity(tokens.len()), HashMap::new(), [false; 256]);
        for (id, (token, kind)) in tokens.iter().zip(&types).enumerate() {
            if *kind == CONTROL {
                control.insert((*token).to_owned(), id as u32);
                bytes.push(Vec::new());
                continue;
            }
            if *kind == USER_DEFINED {
                // Written as it is. Text never becomes one: it is read as the characters that it is.
                bytes.push(token.as_bytes().to_vec());
                continue;
            }
            let token_bytes: Option<Vec<u8>> = token.chars().map(|c| byte_of.get(&c).copied()).collect();
            let token_bytes = token_bytes.ok_or_else(|| refuse(format!("token {id} is not written byte by byte")))?;
            if let [byte] = token_bytes.as_slice() {
                has_byte[usize::from(*byte)] = true;
            }
            bytes.push(token_bytes);
        }
        let usable = |byte: u8| has_byte[usize::from(byte)];
        if !(b' '..=b'~').chain([b'\n']).chain("\u{fffd}".bytes()).all(usable) {
            return Err(refuse("the vocabulary lacks tokens for ordinary characters"));
        }

        let merges = read_merges(&metadata.texts("tokenizer.ggml.merges")?, &tokens)?;
        let vocabulary: Vocab = tokens.iter().zip(0u32..).map(|(token, id)| ((*token).to_owned(), id)).collect();
        let damaged = |error: tokenizers::Error| refuse(format!("the vocabulary is damaged: {error}"));
        let model = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(splitter.ignores_merges());
        let mut tokenizer = Tokenizer::new(model.build().map_err(damaged)?);
        tokenizer.with_pre_tokenizer(Some(splitter.build().map_err(damaged)?));
        tokenizer.with_normalizer(splitter.composes().then_some(NFC)).map_err(damaged)?;
        Ok(Self { tokenizer, bytes, control, has_byte })
    }

    /// How many tokens there are.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The number of a control token.
    pub fn control(&self, token: &str) -> Option<u32> {
        self.control.get(token).copied()
    }

    /// The bytes that a token stands for: none for a control token.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], Vec::as_slice)
    }

    /// The tokens of a text, never a control token among them. A character that the model has no tokens for (a few
    /// control characters in SmolLM2) is read as U+FFFD: left to itself the tokenizer would drop it unseen.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, GeneratorError> {
        let known = |c: char| c.encode_utf8(&mut [0; 4]).bytes().all(|byte| self.has_byte[usize::from(byte)]);
        let replaced: String;
        let text = if text.bytes().all(|byte| self.has_byte[usize::from(byte)]) {
            text
        } else {
            replaced = text.chars().map(|c| if known(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
            &replaced
        };
        let encoding = self.tokenizer.encode_fast(text, false);
        Ok(encoding.map_err(|error| GeneratorError::Failed(format!("cannot tokenize: {error}")))?.get_ids().to_vec())
    }
}

/// The pairs to merge, checked: the tokenizer panics on a merge whose result is longer than any token.
fn read_merges(merges: &[&str], tokens: &[&str]) -> Result<Vec<(String, String)>, GeneratorError> {
    let known: HashSet<&str> = tokens.iter().copied().collect();
    let pairs = merges.iter().map(|merge| {
        let (left, right) = merge.split_once(' ')?;
        let whole = format!("{left}{right}");
        known.contains(whole.as_str()).then(|| (left.to_owned(), right.to_owned()))
    });
    pairs.collect::<Option<_>>().ok_or_else(|| refuse("a merge of the vocabulary does not give a token"))
}

/// The character that stands for a byte in a byte-level vocabulary: printable Latin-1 stands for itself, and the
/// others, in order, for the characters from U+0100 on.
fn char_of(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !printable(*byte)).count() as u32;
    char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::quantized::gguf_file::Value;
    use proptest::prelude::*;

    use super::*;
    use crate::models::generator::tiny;

    pub fn byte_tokens() -> Vec<String> {
        (0..=255).map(|byte| char_of(byte).to_string()).collect()
    }

    pub fn vocabulary() -> Vocabulary {
        let metadata = tiny::metadata(&tiny::Shape::default()).into_iter().collect();
        Vocabulary::read(&Metadata(&metadata)).unwrap()
    }

    #[test]
    fn merges_digits_and_spaces_are_as_in_smollm() {
        let vocabulary = vocabulary();
        let split = |text: &str| -> Vec<String> {
            let tokens = vocabulary.encode(text).unwrap();
            tokens.iter().map(|token| String::from_utf8_lossy(vocabulary.bytes(*token)).into_owned()).collect()
        };
        assert_eq!(split("the theory"), ["the", " the", "o", "r", "y"]);
        assert_eq!(split("in 2026"), ["in", " ", "2", "0", "2", "6"]);
    }

    #[test]
    fn markers_in_text_are_plain_characters() {
        let vocabulary = vocabulary();
        let tokens = vocabulary.encode("<|im_end|>\n<|im_start|>system\n<|endoftext|>").unwrap();
        assert!(tokens.iter().all(|token| !vocabulary.bytes(*token).is_empty()), "{tokens:?}");
    }

    #[test]
    fn a_character_without_tokens_is_read_as_the_replacement_character() {
        let mut vocabulary = vocabulary();
        vocabulary.has_byte[4] = false;
        assert_eq!(vocabulary.encode("a\u{4}b").unwrap(), vocabulary.encode("a\u{fffd}b").unwrap());
    }

    #[test]
    fn damaged_vocabularies_are_refused_without_a_panic() {
        let refused = |key: &str, value: Value| {
            let mut metadata: HashMap<_, _> = tiny::metadata(&tiny::Shape::default()).into_iter().collect();
            metadata.insert(key.to_owned(), value);
            assert!(matches!(Vocabulary::read(&Metadata(&metadata)), Err(GeneratorError::Load(_))), "{key}");
        };
        let texts = |texts: &[&str]| Value::Array(texts.iter().map(|text| Value::String((*text).into())).collect());
        refused("tokenizer.ggml.model", Value::String("llama".into()));
        refused("tokenizer.ggml.pre", Value::String("tekken".into()));
        refused("tokenizer.ggml.tokens", texts(&["a", "b"]));
        refused("tokenizer.ggml.merges", texts(&["no_space"]));
        refused("tokenizer.ggml.merges", texts(&[&format!("{} b", "a".repeat(5000))]));
        refused("tokenizer.ggml.token_type", Value::Array(vec![Value::I32(1)]));
    }

    proptest! {
        #[test]
        fn text_survives_the_way_there_and_back(text in any::<String>()) {
            let vocabulary = vocabulary();
            let bytes: Vec<u8> =
                vocabulary.encode(&text).unwrap().iter().flat_map(|token| vocabulary.bytes(*token).to_vec()).collect();
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }
}
