//! How text is cut into pieces before pairs are merged inside them: each family of models has learned with its own.
//!
//! The names are llama.cpp's (`tokenizer.ggml.pre`); the expressions are those of the families' `tokenizer.json`. May
//! depend on the `tokenizers` crate.

use tokenizers::{
    SplitDelimiterBehavior,
    pre_tokenizers::{
        PreTokenizerWrapper, byte_level::ByteLevel, digits::Digits, sequence::Sequence, split::Split,
        split::SplitPattern,
    },
};

/// A family's way to cut text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::models::generator) enum Splitter {
    /// GPT-2's.
    Gpt2,
    /// GPT-2's with each digit by itself.
    SmolLm,
    /// Qwen2's and Qwen2.5's, after canonical composition (NFC).
    Qwen2,
    /// Llama 3's.
    Llama3,
}

impl Splitter {
    /// The one that a GGUF file names.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "gpt-2" => Some(Self::Gpt2),
            "smollm" => Some(Self::SmolLm),
            "qwen2" => Some(Self::Qwen2),
            "llama-bpe" => Some(Self::Llama3),
            _ => None,
        }
    }

    /// The name in a GGUF file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt-2",
            Self::SmolLm => "smollm",
            Self::Qwen2 => "qwen2",
            Self::Llama3 => "llama-bpe",
        }
    }

    /// The expression that a piece matches, where GPT-2's is not the one.
    pub fn expression(self) -> Option<&'static str> {
        match self {
            Self::Gpt2 | Self::SmolLm => None,
            Self::Qwen2 => Some(concat!(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
                r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            )),
            Self::Llama3 => Some(concat!(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|",
                r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            )),
        }
    }

    /// Whether a piece that is a token as a whole is that token, whatever the merges say.
    pub fn ignores_merges(self) -> bool {
        self == Self::Llama3
    }

    /// Whether text is composed (NFC) before it is cut.
    pub fn composes(self) -> bool {
        self == Self::Qwen2
    }

    /// The cutting itself, as the library does it.
    pub fn build(self) -> Result<PreTokenizerWrapper, tokenizers::Error> {
        let bytes = |cuts: bool| ByteLevel::new(false, true, cuts).into();
        Ok(match (self, self.expression()) {
            (Self::SmolLm, _) => Sequence::new(vec![Digits::new(true).into(), bytes(true)]).into(),
            (_, Some(expression)) => {
                let pattern = SplitPattern::Regex(expression.to_owned());
                let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?;
                Sequence::new(vec![split.into(), bytes(false)]).into()
            }
            (_, None) => bytes(true),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::*;

    fn pieces(splitter: Splitter, text: &str) -> Vec<String> {
        let mut cut = PreTokenizedString::from(text);
        splitter.build().unwrap().pre_tokenize(&mut cut).unwrap();
        let splits = cut.get_splits(OffsetReferential::Original, OffsetType::Byte);
        splits.into_iter().map(|(_, (start, end), _)| text[start..end].to_owned()).collect()
    }

    #[test]
    fn each_family_cuts_in_its_own_way() {
        let text = "It's 2026:\n\n  ça va?";
        assert_eq!(pieces(Splitter::Gpt2, text), ["It", "'s", " 2026", ":", "\n\n ", " ça", " va", "?"]);
        assert_eq!(
            pieces(Splitter::SmolLm, text),
            ["It", "'s", " ", "2", "0", "2", "6", ":", "\n\n ", " ça", " va", "?"]
        );
        assert_eq!(
            pieces(Splitter::Qwen2, text),
            ["It", "'s", " ", "2", "0", "2", "6", ":\n\n", " ", " ça", " va", "?"]
        );
        assert_eq!(pieces(Splitter::Llama3, text), ["It", "'s", " ", "202", "6", ":\n\n", " ", " ça", " va", "?"]);
        for splitter in [Splitter::Gpt2, Splitter::SmolLm, Splitter::Qwen2, Splitter::Llama3] {
            assert_eq!(Splitter::named(splitter.name()), Some(splitter));
        }
        assert_eq!(Splitter::named("llama-spm"), None);
    }
}
