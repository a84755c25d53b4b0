//! The file for `train generator`. May depend on the parent and the generator's modules.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{FitSettings, LoraTraining, beside, check_run, positive, read};
use crate::{
    answer::generate::{MAX_NEW_TOKENS, PROMPT_BUDGET},
    models::generator::training::Module,
    train::{TrainError, optimizer::AdamSettings},
};

/// What the generator's training needs besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratorTraining {
    /// How many layers have pairs, from the top; all when absent. What lies below them needs no way back.
    pub trainable_layers: Option<usize>,
    /// Of an example that marks no answer in a passage, at most so many passages stand in the prompt: those that carry
    /// the answer, at places that the seed decides, and the first of the others. All of them, in the order of the
    /// example, when absent.
    pub passages: Option<usize>,
    /// A longer sequence, prompt and answer together, is left out and counted.
    pub max_tokens: usize,
    /// A longer answer is left out and counted: the product would not write it to its end.
    pub answer_tokens: usize,
    /// Whether what the layers without pairs make of each sequence is kept from epoch to epoch.
    pub cache_trunk: TrunkCache,
    /// The most memory for that; a run that needs more does not start.
    pub cache_trunk_mib: usize,
    /// At most so many examples of the validation data are measured; a seeded choice.
    pub validation_sequences: usize,
    /// Whether the adapter is saved in half precision.
    pub half: bool,
}

impl Default for GeneratorTraining {
    fn default() -> Self {
        Self {
            trainable_layers: None,
            passages: None,
            max_tokens: (PROMPT_BUDGET + MAX_NEW_TOKENS) as usize,
            answer_tokens: MAX_NEW_TOKENS as usize,
            cache_trunk: TrunkCache::Off,
            cache_trunk_mib: 2048,
            validation_sequences: 200,
            half: false,
        }
    }
}

/// Whether and how the trunk's output is kept: `false`, `true` or `"f16"` in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkCache {
    /// It is computed anew each time.
    Off,
    /// Four bytes a number.
    Full,
    /// Two bytes a number.
    Half,
}

impl TrunkCache {
    /// The bytes of a number that is kept.
    pub fn bytes(self) -> usize {
        match self {
            Self::Off => 0,
            Self::Full => 4,
            Self::Half => 2,
        }
    }
}

impl Serialize for TrunkCache {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_bool(false),
            Self::Full => serializer.serialize_bool(true),
            Self::Half => serializer.serialize_str("f16"),
        }
    }
}

impl<'de> Deserialize<'de> for TrunkCache {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Whether(bool),
            How(String),
        }
        match Said::deserialize(deserializer) {
            Ok(Said::Whether(false)) => Ok(Self::Off),
            Ok(Said::Whether(true)) => Ok(Self::Full),
            Ok(Said::How(how)) if how == "f16" => Ok(Self::Half),
            _ => Err(de::Error::custom("`cache_trunk` is true, false or \"f16\"")),
        }
    }
}

/// The file for `train generator`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorConfig {
    /// The GGUF file of the base model; the one of the catalogue when absent. A relative one counts from the file's
    /// own folder.
    #[serde(default)]
    pub base: Option<PathBuf>,
    /// Decides the order of the data, the places of passages, the dropout and the first numbers of the pairs.
    pub seed: u64,
    /// The run.
    #[serde(default)]
    pub fit: FitSettings,
    /// The optimizer.
    #[serde(default)]
    pub adam: AdamSettings,
    /// The pairs.
    #[serde(default)]
    pub lora: LoraTraining<Module>,
    /// The generator.
    #[serde(default)]
    pub generator: GeneratorTraining,
}

impl GeneratorConfig {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let mut config: Self = read(path, Self::check)?;
        config.base = config.base.map(|base| beside(path, base));
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        check_run(&self.fit, &self.adam)?;
        self.lora.check()?;
        let GeneratorTraining { trainable_layers, passages, max_tokens, answer_tokens, validation_sequences, .. } =
            self.generator;
        if self.lora.layers.is_some() {
            return Err("`lora.layers` is for a reader; give `generator.trainable_layers`, counted from the top".into());
        }
        for (key, value) in [
            ("generator.trainable_layers", trainable_layers.unwrap_or(1)),
            ("generator.passages", passages.unwrap_or(1)),
            ("generator.answer_tokens", answer_tokens),
            ("generator.validation_sequences", validation_sequences),
        ] {
            positive(key, value as f64)?;
        }
        if max_tokens <= answer_tokens {
            return Err(format!(
                "`generator.max_tokens` is {max_tokens}, which leaves no room for a prompt beside an answer of \
                 {answer_tokens} tokens"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn read(text: &str) -> Result<GeneratorConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        std::fs::write(&path, text).unwrap();
        GeneratorConfig::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_short_file_is_enough() {
        let config = read("seed = 1\n").unwrap();
        assert_eq!((&config.generator, config.lora.modules.len()), (&GeneratorTraining::default(), 7));
        let text = "base = 'a.gguf'\nseed = 1\n[lora]\nrank = 4\nmodules = ['q_proj', 'down_proj']\n\
                    [generator]\ntrainable_layers = 10\npassages = 2\ncache_trunk = 'f16'\n";
        let config = read(text).unwrap();
        assert_eq!(config.lora.modules, [Module::QProj, Module::DownProj]);
        assert_eq!((config.lora.rank, config.lora.scale()), (4, 8.0));
        assert_eq!((config.generator.cache_trunk, config.generator.passages), (TrunkCache::Half, Some(2)));
        assert!(config.base.as_ref().is_some_and(|base| base.is_absolute() && base.ends_with("a.gguf")));
        let written = serde_json::to_value(&config).unwrap();
        assert_eq!(written["generator"]["cache_trunk"], "f16");
        assert_eq!(serde_json::from_value::<GeneratorConfig>(written).unwrap(), config);
    }

    #[test]
    fn what_is_unknown_or_makes_no_sense_is_refused() {
        for (text, word) in [
            ("[generator]\npassage = 2\n", "passage"),
            ("[generator]\npassages = 0\n", "generator.passages"),
            ("[generator]\ntrainable_layers = 0\n", "trainable_layers"),
            ("[generator]\nmax_tokens = 96\n", "no room"),
            ("[generator]\ncache_trunk = 'f32'\n", "cache_trunk"),
            ("[generator]\ncache_trunk = 2\n", "cache_trunk"),
            ("[lora]\nmodules = ['query']\n", "query"),
            ("[lora]\nmodules = []\n", "lora.modules"),
            ("[lora]\nlayers = [1]\n", "trainable_layers"),
            ("[lora]\nrank = 0\n", "lora.rank"),
            ("[fit]\nbatch = 0\n", "fit.batch"),
            ("[reader]\nhalf = true\n", "reader"),
        ] {
            let error = read(&format!("seed = 1\n{text}")).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
