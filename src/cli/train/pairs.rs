//! `train pairs`: a model that compares two texts.

use std::path::Path;

use clap::Args;

use super::{Places, best, fingerprint, load_base, try_device, with_progress};
use crate::{
    config::Config,
    eval::report,
    models::adapter::AdapterFiles,
    train::{
        TrainError,
        batches::order,
        card::{Card, Machine, Tuning, commit_at, now},
        fit::Run,
        pairs::{
            config::PairsConfig,
            data,
            model::{PAIRS, PairsModel},
            sequences::{ItemMaker, PairCounts, PairItem},
            tune::{TunedPairs, tunable, tune},
        },
    },
};

/// Fine-tune the small encoder to compare two texts: whether evidence supports a sentence, whether a passage answers
///
/// The data are folders of pairs (`footnote dataset pairs`). Calibration and threshold are chosen on all of the validation
/// data at the end, so what a model is judged by must be other data.
#[derive(Debug, Args)]
pub struct TrainPairs {
    #[command(flatten)]
    places: Places,
}

impl TrainPairs {
    /// Runs the command.
    pub fn run(self, settings: &Config) -> anyhow::Result<()> {
        let Places { recipe, out, resume, data: folders, validation } = &self.places;
        let config = PairsConfig::read(recipe)?;
        try_device(config.fit.device)?;
        let (training, validation) = (data::read(folders)?, data::read(validation)?);
        data::refuse_errors(&training, &validation)?;
        std::fs::create_dir_all(out)?;
        let base = load_base(config.base.as_deref(), settings)?;
        if let Err(reason) = config.check_limits(base.bert.config.max_position_embeddings) {
            return Err(TrainError::Config { path: recipe.clone(), reason }.into());
        }
        let from = config.from.as_deref().map(AdapterFiles::read).transpose()?;
        let begun_from = from.as_ref().map_or_else(String::new, AdapterFiles::sha256);
        let beginning = format!("{}\n{begun_from}", base.sha256);
        let fingerprint = fingerprint(&config, &beginning, [&training.files, &validation.files]);
        let make = |pairs: &[_], what: &'static str| -> anyhow::Result<(Vec<PairItem>, PairCounts)> {
            let mut maker = ItemMaker::new(&base.tokenizer, config.limits, &config.pairs);
            let items = maker.items(pairs)?;
            let counts = serde_json::to_string(&maker.counts)?;
            if items.is_empty() {
                return Err(TrainError::NoSequences { what, counts }.into());
            }
            eprintln!("{what}: {counts}");
            Ok((items, maker.counts))
        };
        let (items, counts) = make(&training.pairs, "training")?;
        let (all, validation_counts) = make(&validation.pairs, "validation")?;
        // Looked at now, so that a long run does not end in an error.
        let labels = (config.pairs.labels.as_slice(), config.pairs.decides.as_str());
        tunable(&base.tokenizer, config.served(), labels, &validation.pairs)?;
        let drawn = order(all.len(), config.seed, u64::MAX).into_iter().take(config.pairs.validation_pairs);
        let measured: Vec<PairItem> = drawn.map(|at| all[at].clone()).collect();
        let model = PairsModel::new(&base, &config, from.as_ref())?;
        eprintln!("{} measured; {} numbers are trained", measured.len(), model.trained_numbers());
        let run = Run {
            model: &model,
            training: &items,
            validation: &measured,
            settings: &config.fit,
            adam: config.adam,
            seed: config.seed,
            folder: out,
            fingerprint,
            resume: *resume,
        };
        // As it is now: the tree may change while the run goes on.
        let commit = commit_at(Path::new(env!("CARGO_MANIFEST_DIR")));
        let result = with_progress(&run)?;
        println!("{}; {}", best(&result), out.join(PAIRS).display());
        let kept = load_base(config.base.as_deref(), settings)?;
        let decides = (config.pairs.decides.as_str(), config.pairs.may_turn_down);
        let tuned = tune(kept, &out.join(PAIRS), &validation.pairs, decides, config.fit.threads)?;
        println!("{}", said(&tuned));
        let card = Card {
            version: env!("CARGO_PKG_VERSION"),
            commit,
            base_sha256: base.sha256.clone(),
            trained_numbers: model.trained_numbers(),
            training_files: training.files,
            training: counts,
            validation_files: validation.files.clone(),
            validation: validation_counts,
            tuning: Some(Tuning { files: validation.files, tuned }),
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

fn said(tuned: &TunedPairs) -> String {
    format!(
        "{} from {:.3} on, on {} pairs ({} left out, whose first text is too long): balanced accuracy {:.1} %, {:.1} % of \
         the {} turned down; {:?}",
        tuned.label,
        tuned.threshold,
        tuned.pairs,
        tuned.long_firsts,
        100.0 * tuned.balanced_accuracy,
        100.0 * tuned.turned_down,
        tuned.label,
        tuned.calibration
    )
}
