//! `train generator`: fine-tunes the small chat model with low-rank pairs.

use std::path::Path;

use clap::Args;

use super::{Places, fingerprint, left, try_device, with_progress};
use crate::{
    config::Config,
    eval::report,
    models::{self, generator::training::TrainingLlama},
    train::{
        TrainError,
        batches::order,
        card::{Card, Machine, Tuning, commit_at, now},
        checkpoint::CHECKPOINT,
        config::GeneratorConfig,
        dataset::example::Example,
        fit::Run,
        generator::{
            ADAPTER, GeneratorModel,
            conversations::{Conversation, ConversationCounts, ConversationMaker},
        },
    },
};

/// Fine-tune the small chat model to answer in sentences that the passages carry
#[derive(Debug, Args)]
pub(super) struct TrainGenerator {
    #[command(flatten)]
    places: Places,
}

impl TrainGenerator {
    pub(super) fn run(self, settings: &Config) -> anyhow::Result<()> {
        let Places { recipe, out, resume, .. } = &self.places;
        let config = GeneratorConfig::read(recipe)?;
        try_device(config.fit.device)?;
        let [training, validation] = self.places.open(&[])?;
        let base = match &config.base {
            Some(file) => file.clone(),
            None => models::locate_generator(&settings.models_dir)?,
        };
        let llama = TrainingLlama::load(&base, config.generator.max_tokens)?;
        let base_sha256 = llama.sha256().to_owned();
        let fingerprint = fingerprint(&config, &base_sha256, [&training.files, &validation.files]);
        let (conversations, counts) = prepare(&llama, &config, training.examples.iter(), "training")?;
        let chosen = order(validation.examples.len(), config.seed, u64::MAX).into_iter();
        let chosen = chosen.take(config.generator.validation_sequences).map(|index| &validation.examples[index]);
        let (measured, validation_counts) = prepare(&llama, &config, chosen, "validation")?;
        let model = GeneratorModel::new(llama, &config)?;
        let kept = model.check_trunk_cache(conversations.iter().chain(&measured))?;
        eprintln!(
            "{} training conversations, {} tokens; {} validation conversations; {} numbers are trained{}",
            counts.conversations,
            counts.tokens,
            measured.len(),
            model.trained_numbers(),
            if kept > 0 { format!("; up to {} MiB are kept of the lower layers", kept >> 20) } else { String::new() }
        );
        let run = Run {
            model: &model,
            training: &conversations,
            validation: &measured,
            settings: &config.fit,
            adam: config.adam,
            seed: config.seed,
            folder: out,
            fingerprint,
            resume: *resume,
        };
        if !resume && !out.join(CHECKPOINT).exists() {
            // The pairs change nothing yet.
            let loss = run.validation_loss()?;
            eprintln!("untrained: validation loss {loss:.4}, perplexity {:.3}", loss.exp());
        }
        // As it is now: the tree may change while the run goes on.
        let commit = commit_at(Path::new(env!("CARGO_MANIFEST_DIR")));
        let result = with_progress(&run)?;
        println!(
            "best validation loss {:.4}, perplexity {:.3}, at step {} of {}{}; {}",
            result.best_loss,
            result.best_loss.exp(),
            result.best_step,
            result.steps,
            left(&result),
            out.join(ADAPTER).display()
        );
        let card = Card {
            version: env!("CARGO_PKG_VERSION"),
            commit,
            base_sha256,
            trained_numbers: model.trained_numbers(),
            training_files: training.files,
            training: counts,
            validation_files: validation.files,
            validation: validation_counts,
            tuning: None::<Tuning>,
            machine: Machine::here(),
            finished_at: now(),
            configuration: config,
            result,
        };
        card.save(out)?;
        println!("{}", report::render_again(out)?.display());
        Ok(())
    }
}

fn prepare<'e>(
    llama: &TrainingLlama,
    config: &GeneratorConfig,
    examples: impl Iterator<Item = &'e Example>,
    what: &'static str,
) -> anyhow::Result<(Vec<Conversation>, ConversationCounts)> {
    let mut maker = ConversationMaker::new(llama, &config.generator, config.seed);
    let conversations = maker.conversations(examples)?;
    let counts = serde_json::to_string(&maker.counts)?;
    if conversations.is_empty() {
        return Err(TrainError::NoSequences { what, counts }.into());
    }
    eprintln!("{what}: {counts}");
    Ok((conversations, maker.counts))
}
