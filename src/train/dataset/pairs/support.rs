//! Pairs for "does the evidence support this?", made of question sets with marked answers.
//!
//! What is judged is a question with an answer, a sentence, or both; the evidence is the passage or a few of its
//! sentences. Contradicted: another answer of the same kind, or one fact changed (`edits`). As often as not the fact is
//! changed in the evidence, and now and then in both, which is supported again: so neither the length nor the look of
//! what is judged tells the label. Unknown: a near passage, or the own one without the sentence that says it.
//!
//! May depend on the parent's `files`, `hard_negatives`, `split_mix` and `domain`.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    path::Path,
};

use super::{
    CONTRADICTED, Pair, PairWriter, PairsReport, SUPPORTED, UNKNOWN,
    edits::{Around, drawn, edits, wrong_answer},
    wording::{Form, answered, plain_copy},
};
use crate::{
    domain::{sentences::sentences, text::CodePointIndex},
    train::dataset::{
        SYNTHETIC,
        error::DatasetError,
        example::{Example, Expected, Passage, SpanRole},
        files::DataSet,
        hard_negatives::{edited::words::replaced, pool::Pool},
        normal_form,
        split_mix::{SplitMix64, hash64},
    },
};

/// The longest evidence that is shown whole, in words; of a longer passage the sentences around.
const WHOLE: usize = 150;
/// The words of a sentence that is judged.
const SENTENCE: std::ops::RangeInclusive<usize> = 5..=45;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportPairs {
    /// At most so many examples are used, drawn by the seed; all when absent.
    pub limit: Option<usize>,
    /// Decides everything that is drawn.
    pub seed: u64,
}

/// Makes pairs of the answered examples of `set` and writes them to the new folder `out`.
pub fn support_pairs(set: &DataSet, wanted: &SupportPairs, out: &Path) -> Result<PairsReport, DatasetError> {
    let [split] = set.splits()[..] else {
        let reason = format!("{} has several splits; name the folder of one", set.root().display());
        return Err(DatasetError::Request(reason));
    };
    let pool = Pool::read(set, split)?;
    let examples: Vec<Example> =
        set.examples().map(|located| Ok(located?.example)).collect::<Result<_, DatasetError>>()?;
    let mut answers: HashMap<u64, Vec<String>> = HashMap::new();
    for example in &examples {
        for passage in &example.passages {
            answers.entry(hash64(passage.text.as_bytes())).or_default().extend(example.short_answers.first().cloned());
        }
    }
    let mut order: Vec<usize> = (0..examples.len()).collect();
    SplitMix64::new(wanted.seed).shuffle(&mut order);
    order.retain(|at| examples[*at].expected == Expected::Answered);
    order.truncate(wanted.limit.unwrap_or(usize::MAX));
    order.sort_unstable();
    let mut writer = PairWriter::create(out)?;
    for at in order {
        let example = &examples[at];
        writer.report.read += 1;
        let made = Maker::new(example, &answers, &pool, wanted.seed).map(Maker::pairs).unwrap_or_default();
        writer.report.passed_over += u64::from(made.is_empty());
        for pair in made {
            writer.write(None, &pair)?;
        }
    }
    writer.finish()
}

/// Makes the pairs of one example.
struct Maker<'e> {
    example: &'e Example,
    passage: &'e Passage,
    /// The sentences of the passage, and which of them says the answer.
    sentences: Vec<Range<usize>>,
    answering: usize,
    answer: &'e str,
    others: &'e [String],
    pool: &'e Pool,
    around: Around,
    random: SplitMix64,
    made: Vec<Pair>,
}

impl<'e> Maker<'e> {
    /// `None` where no bare answer is marked in a sentence.
    fn new(example: &'e Example, answers: &'e HashMap<u64, Vec<String>>, pool: &'e Pool, seed: u64) -> Option<Self> {
        let span = example.support.iter().find(|span| span.role == SpanRole::Answer)?;
        let passage = example.passages.iter().find(|passage| passage.id == span.passage)?;
        let index = CodePointIndex::new(&passage.text);
        let bytes = index.byte_of(span.start)?..index.byte_of(span.end)?;
        let sentences = sentences(&passage.text);
        let answering = sentences.iter().position(|range| range.start <= bytes.start && bytes.end <= range.end)?;
        Some(Self {
            example,
            passage,
            sentences,
            answering,
            answer: &passage.text[bytes],
            others: answers.get(&hash64(passage.text.as_bytes())).map_or(&[], Vec::as_slice),
            pool,
            around: Around::of(&passage.text),
            random: SplitMix64::for_name(seed, &example.id),
            made: Vec::new(),
        })
    }

    fn pairs(mut self) -> Vec<Pair> {
        self.answers();
        if self.random.below(3) > 0 {
            self.sentence();
        }
        self.unknown();
        // What was changed may be what a copy leaves out: then nothing was said otherwise.
        let key = |pair: &Pair| (normal_form::key(&pair.first), normal_form::key(&pair.second));
        let keys: Vec<_> = self.made.iter().map(|pair| (key(pair), pair.label.clone())).collect();
        self.made.retain(|pair| !keys.iter().any(|(known, label)| *known == key(pair) && *label != pair.label));
        self.made
    }

    fn text(&self, sentence: usize) -> &'e str {
        &self.passage.text[self.sentences[sentence].clone()]
    }

    /// The passage, or the sentences around one of them.
    fn shown(&mut self, sentence: usize) -> &'e str {
        let whole = normal_form::word_count(&self.passage.text) <= WHOLE;
        let (before, behind) = (self.random.below(2), self.random.below(3));
        if whole && self.random.below(2) == 0 {
            return &self.passage.text;
        }
        let last = (sentence + behind).min(self.sentences.len() - 1);
        &self.passage.text[self.sentences[sentence.saturating_sub(before)].start..self.sentences[last].end]
    }

    fn form(&mut self) -> Form {
        match self.random.below(10) {
            0..=4 => Form::Bare,
            5..=7 => Form::Sentence,
            _ => Form::SentenceAlone,
        }
    }

    /// The question with its answer, and with a wrong one.
    fn answers(&mut self) {
        let (question, answer) = (self.example.question.as_str(), self.answer);
        let shown = self.shown(self.answering);
        let form = self.form();
        let sentence = self.text(self.answering);
        // "Who?" and the whole sentence that says it: an answer may be long.
        let in_sentence = self.random.below(4) == 0;
        let say = |answer: &str| match in_sentence {
            true => format!("{question} {}", replaced(sentence, self.answer, answer)),
            false => answered(question, answer, form),
        };
        let mut not: Vec<&str> = self.example.short_answers.iter().map(String::as_str).collect();
        not.extend([answer, question]);
        let wrong = wrong_answer(answer, self.others, &self.around, &not, &mut self.random);
        let Some(wrong) = wrong else {
            return self.put(SUPPORTED, "answer", say(answer), shown.to_owned());
        };
        let changed = replaced(shown, answer, &wrong);
        let (right_said, wrong_said) = (say(answer), say(&wrong));
        if changed != shown && self.random.below(3) == 0 {
            self.put(SUPPORTED, "answer", wrong_said, changed.clone());
            self.put(CONTRADICTED, "answer", right_said, changed);
        } else {
            self.put(SUPPORTED, "answer", right_said, shown.to_owned());
            self.put(CONTRADICTED, "answer", wrong_said, shown.to_owned());
        }
    }

    /// A sentence as it stands, and with one fact changed.
    fn sentence(&mut self) {
        let fit: Vec<usize> = (0..self.sentences.len())
            .filter(|at| SENTENCE.contains(&normal_form::word_count(self.text(*at))))
            .collect();
        let Some(at) = drawn(fit, &mut self.random) else { return };
        let (sentence, shown) = (self.text(at), self.shown(at));
        let copy = |text: &str, random: &mut SplitMix64| match random.below(3) {
            0 => plain_copy(text),
            _ => text.to_owned(),
        };
        let edit = edits(sentence, &self.around, &mut self.random).into_iter().next();
        let Some(edit) = edit else {
            let said = copy(sentence, &mut self.random);
            return self.put(SUPPORTED, "copy", said, shown.to_owned());
        };
        let changed = shown.replacen(sentence, &edit.text, 1);
        let (mut said, mut edited) = (copy(sentence, &mut self.random), copy(&edit.text, &mut self.random));
        if self.random.below(4) == 0 {
            // With a question in front, as an answer has it.
            said = format!("{} {said}", self.example.question);
            edited = format!("{} {edited}", self.example.question);
        }
        match self.random.below(2) {
            0 => {
                self.put(SUPPORTED, "copy", said, shown.to_owned());
                self.put(CONTRADICTED, edit.kind, edited, shown.to_owned());
            }
            _ => {
                self.put(SUPPORTED, "copy", edited, changed.clone());
                self.put(CONTRADICTED, edit.kind, said, changed);
            }
        }
    }

    /// What is judged beside evidence that does not say it.
    fn unknown(&mut self) {
        let sentence = self.text(self.answering);
        let said = match self.random.below(3) {
            0 => sentence.to_owned(),
            _ => {
                let form = self.form();
                answered(&self.example.question, self.answer, form)
            }
        };
        let near = self.random.below(3) > 0;
        if near && self.pool.is_checkable(self.example) {
            let found: Vec<usize> = self.pool.wrong_passages(self.example).take(3).collect();
            if let Some(number) = drawn(found, &mut self.random) {
                let text = &self.pool.get(number).passage.text;
                let cut = sentences(text);
                let first = self.random.below(cut.len().max(1));
                let last = (first + 2 + self.random.below(3)).min(cut.len().saturating_sub(1));
                if let (Some(from), Some(to)) = (cut.get(first), cut.get(last)) {
                    return self.put(UNKNOWN, "near", said, text[from.start..to.end].to_owned());
                }
            }
        }
        let rest = self.rest();
        let answers: HashSet<String> =
            self.example.short_answers.iter().map(|answer| normal_form::answer(answer)).collect();
        let normal = normal_form::answer(&rest);
        if normal_form::word_count(&rest) >= 12 && !answers.iter().any(|answer| normal_form::holds(&normal, answer)) {
            self.put(UNKNOWN, "without", said, rest);
        }
    }

    /// Up to four sentences beside the one that answers.
    fn rest(&self) -> String {
        let first = self.answering.saturating_sub(2);
        let near = (first..self.sentences.len()).filter(|at| *at != self.answering).take(4);
        near.map(|at| self.text(at)).collect::<Vec<_>>().join(" ")
    }

    fn put(&mut self, label: &str, tag: &str, first: String, second: String) {
        self.made.push(Pair {
            id: format!("{}-{}", self.example.id, self.made.len() + 1),
            first,
            second,
            label: label.to_owned(),
            source: self.passage.title.clone(),
            group: None,
            tags: vec![SYNTHETIC.to_owned(), tag.to_owned()],
            provenance: format!("made of {:?} ({})", self.example.id, self.example.provenance),
            licence: self.example.licence.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::train::dataset::{files::Writer, pairs::file::read};

    /// An example over a passage of its own.
    fn example(number: usize) -> Example {
        let name = ["Ada Stone", "Bertha Mill", "Clara Wood", "Dora Field"][number % 4];
        let text = format!(
            "Kiln {number} stands in the valley of Orn. It was lit by {name} in 19{number:02} for the first time. Later it was \
             used by the glass makers of the town. The makers did not leave before the war was over.",
        );
        let start = text.find(name).unwrap() as u32;
        let passage = Passage { id: format!("p{number}"), title: format!("Kiln {number}"), text };
        serde_json::from_value(serde_json::json!({
            "id": format!("e{number}"), "kind": "task", "question": format!("Who lit kiln {number}?"),
            "passages": [passage], "expected": "answered", "answer": name, "short_answers": [name],
            "support": [{"passage": format!("p{number}"), "start": start, "end": start + name.len() as u32, "role": "answer"}],
            "provenance": "written here", "licence": "CC0-1.0",
        }))
        .unwrap()
    }

    #[test]
    fn every_label_is_made_and_a_seed_makes_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(&folder.path().join("set")).unwrap();
        (0..30).for_each(|number| writer.write(None, &example(number)).unwrap());
        writer.finish().unwrap();
        let set = DataSet::open(&folder.path().join("set")).unwrap();
        let made = |name: &str, seed| {
            let out = folder.path().join(name);
            let report = support_pairs(&set, &SupportPairs { limit: Some(25), seed }, &out).unwrap();
            (report, read(&out).unwrap().remove(0).pairs)
        };
        let (report, pairs) = made("a", 1);
        assert_eq!(report.read, 25);
        let counts = &report.pairs["all"];
        assert!([SUPPORTED, CONTRADICTED, UNKNOWN].iter().all(|label| counts[*label] >= 10), "{counts:?}");
        for pair in &pairs {
            assert!(!(pair.second.contains(&pair.first) && pair.label != SUPPORTED), "{pair:?}");
        }
        assert_eq!(pairs, made("b", 1).1);
        assert_ne!(pairs, made("c", 2).1);
    }
}
