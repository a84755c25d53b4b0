//! SciFact's claims (Wadden et al. 2020) with the sentences that support or contradict them, and further pairs of the
//! abstracts that no claim to be measured has anything to do with.
//!
//! Each set of evidence sentences is a pair (tag `evidence`), and each abstract with evidence, and each that is cited and
//! has none (tag `abstract`). Cut by abstracts: claims that cite the same one lie in the same split. To learn from there
//! are besides: claims with a word turned into its opposite (`turned`), and in a folder of their own, `abstracts`, titles
//! that state something and sentences with one fact changed. May depend on the siblings and the importer's lists.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    CONTRADICTED, Pair, PairWriter, PairsReport, SUPPORTED, UNKNOWN,
    clusters::{clusters, splits},
    edits::{Around, drawn, edits, opposed},
};
use crate::train::dataset::{
    SYNTHETIC, error::DatasetError, files::Split, import::printed_list, normal_form, split_mix::SplitMix64,
};

const CLAIMS: &str = "claims_train.csv";
const CORPUS: &str = "corpus_train.csv";
const LICENCE: &str = "CC-BY-4.0 AND ODC-By-1.0";
/// A title with one of these states something.
const STATES: [&str; 30] = [
    "is",
    "are",
    "increases",
    "increase",
    "reduces",
    "reduce",
    "regulates",
    "regulate",
    "promotes",
    "promote",
    "inhibits",
    "inhibit",
    "induces",
    "induce",
    "prevents",
    "improves",
    "mediates",
    "controls",
    "enhances",
    "suppresses",
    "requires",
    "activates",
    "predicts",
    "causes",
    "protects",
    "drives",
    "impairs",
    "restores",
    "decreases",
    "contributes",
];

#[derive(Debug, Deserialize)]
struct ClaimRow {
    id: String,
    claim: String,
    evidence_doc_id: String,
    evidence_label: String,
    evidence_sentences: String,
    cited_doc_ids: String,
}

#[derive(Debug, Deserialize)]
struct AbstractRow {
    doc_id: String,
    title: String,
    #[serde(rename = "abstract")]
    sentences: String,
}

struct Abstract {
    title: String,
    sentences: Vec<String>,
}

impl Abstract {
    fn whole(&self) -> String {
        format!("{}\n{}", self.title, self.sentences.join(" "))
    }
}

/// A claim with all its rows.
struct Claim {
    id: String,
    text: String,
    cited: Vec<String>,
    /// Abstract, label and sentences, a set in each row.
    evidence: Vec<(String, &'static str, Vec<usize>)>,
}

/// Makes `train`, `validation`, `test` and, with at most `abstracts` of them, `abstracts` below the new folder `out`.
pub fn scifact_pairs(folder: &Path, seed: u64, abstracts: usize, out: &Path) -> Result<[PairsReport; 2], DatasetError> {
    let corpus = read_corpus(&folder.join(CORPUS))?;
    let claims = read_claims(&folder.join(CLAIMS), &corpus)?;
    let held: Vec<Vec<&String>> = claims.iter().map(|claim| claim.cited.iter().collect()).collect();
    let clusters = clusters(&held);
    let splits = splits(&clusters, seed);
    let mut writer = PairWriter::create(out)?;
    let mut measured: HashSet<&str> = HashSet::new();
    for (claim, cluster) in claims.iter().zip(&clusters) {
        writer.report.read += 1;
        let split = splits.get(cluster).copied().unwrap_or(Split::Train);
        if split != Split::Train {
            measured.extend(claim.cited.iter().map(String::as_str));
        }
        let mut pairs = PairsOf { claim, source: format!("scifact-{cluster}"), made: Vec::new() };
        pairs.judged(&corpus);
        if split == Split::Train {
            pairs.add_training_pairs(&corpus, &mut SplitMix64::for_name(seed, &claim.id));
        }
        for pair in pairs.made {
            writer.write(Some(split), &pair)?;
        }
    }
    let report = writer.finish()?;
    let mut others: Vec<(&String, &Abstract)> =
        corpus.iter().filter(|(id, _)| !measured.contains(id.as_str())).collect();
    SplitMix64::new(seed).shuffle(&mut others);
    let mut writer = PairWriter::create(&out.join("abstracts"))?;
    for (id, one) in others.into_iter().take(abstracts) {
        writer.report.read += 1;
        let made = of_abstract(id, one, &mut SplitMix64::for_name(seed, id));
        writer.report.passed_over += u64::from(made.is_empty());
        for pair in made {
            writer.write(None, &pair)?;
        }
    }
    Ok([report, writer.finish()?])
}

/// Makes the pairs of a claim.
struct PairsOf<'c> {
    claim: &'c Claim,
    source: String,
    made: Vec<Pair>,
}

impl PairsOf<'_> {
    /// What the annotators said.
    fn judged(&mut self, corpus: &BTreeMap<String, Abstract>) {
        let mut union: BTreeMap<&str, (&'static str, Vec<usize>)> = BTreeMap::new();
        for (document, label, sentences) in &self.claim.evidence {
            let all = &mut union.entry(document).or_insert((*label, Vec::new())).1;
            all.extend(sentences.iter().filter(|at| !all.contains(at)).copied().collect::<Vec<_>>());
        }
        for document in &self.claim.cited {
            let Some(one) = corpus.get(document) else { continue };
            let (label, sentences) = union.remove(document.as_str()).unwrap_or((UNKNOWN, Vec::new()));
            if !sentences.is_empty() {
                self.put(label, &["evidence"], self.claim.text.clone(), joined(one, &sentences), document);
            }
            self.put(label, &["abstract"], self.claim.text.clone(), one.whole(), document);
        }
    }

    /// Parts of the evidence, sentences that are none, and the claim turned round.
    fn add_training_pairs(&mut self, corpus: &BTreeMap<String, Abstract>, random: &mut SplitMix64) {
        for (document, label, sentences) in &self.claim.evidence {
            let Some(one) = corpus.get(document) else { continue };
            let part = joined(one, sentences);
            if !self.made.iter().any(|pair| pair.second == part) {
                self.put(label, &["evidence"], self.claim.text.clone(), part.clone(), document);
            }
            let other = if *label == SUPPORTED { CONTRADICTED } else { SUPPORTED };
            if let Some(turned) = opposed(&self.claim.text, random) {
                self.put(other, &[SYNTHETIC, "turned"], turned, part, document);
            }
            let known: HashSet<usize> =
                self.claim.evidence.iter().filter(|one| one.0 == *document).flat_map(|one| one.2.clone()).collect();
            let starts = (0..one.sentences.len().saturating_sub(1))
                .filter(|at| !known.contains(at) && !known.contains(&(at + 1)));
            if let Some(at) = drawn(starts.collect(), random) {
                let near = joined(one, &[at, at + 1]);
                self.put(UNKNOWN, &[SYNTHETIC, "near"], self.claim.text.clone(), near, document);
            }
        }
    }

    fn put(&mut self, label: &str, tags: &[&str], first: String, second: String, document: &str) {
        // The same sentences stand in several rows.
        if self.made.iter().any(|pair| pair.first == first && pair.second == second) {
            return;
        }
        self.made.push(Pair {
            id: format!("scifact-{}-{}", self.claim.id, self.made.len() + 1),
            first,
            second,
            label: label.to_owned(),
            source: self.source.clone(),
            group: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            provenance: format!("{CLAIMS}#{}, abstract {document}", self.claim.id),
            licence: LICENCE.to_owned(),
        });
    }
}

fn joined(one: &Abstract, sentences: &[usize]) -> String {
    let mut sorted = sentences.to_vec();
    sorted.sort_unstable();
    sorted.iter().filter_map(|at| one.sentences.get(*at)).cloned().collect::<Vec<_>>().join(" ")
}

/// Pairs of an abstract: its title, where that states something, beside its last sentences; a sentence of it.
fn of_abstract(id: &str, one: &Abstract, random: &mut SplitMix64) -> Vec<Pair> {
    let mut made = Vec::new();
    let mut put = |label: &str, tag: &str, first: String, second: String| {
        made.push(Pair {
            id: format!("scifact-abstract-{id}-{}", made.len() + 1),
            first,
            second,
            label: label.to_owned(),
            source: format!("scifact-abstract-{id}"),
            group: None,
            tags: vec![SYNTHETIC.to_owned(), tag.to_owned()],
            provenance: format!("{CORPUS}#{id}"),
            licence: "ODC-By-1.0".to_owned(),
        });
    };
    let count = one.sentences.len();
    let states = one.title.split_whitespace().any(|word| STATES.contains(&word)) && !one.title.contains('?');
    if states && count >= 3 {
        let end = one.sentences[count - 3..].join(" ");
        if let Some(turned) = opposed(&one.title, random) {
            put(CONTRADICTED, "title", turned, end.clone());
        }
        put(SUPPORTED, "title", one.title.clone(), end);
    }
    let fits = |at: &usize| (8..=45).contains(&normal_form::word_count(&one.sentences[*at]));
    if let Some(at) = drawn((0..count).filter(fits).collect(), random) {
        let sentence = &one.sentences[at];
        let shown = one.sentences[at.saturating_sub(1)..(at + 2).min(count)].join(" ");
        let around = Around::of(&one.sentences.join(" "));
        // What is turned round is what claims are about; the other edits are in other sets as well.
        let turned = opposed(sentence, random);
        let edit = turned.or_else(|| edits(sentence, &around, random).into_iter().next().map(|edit| edit.text));
        if let Some(edit) = edit {
            let changed = shown.replacen(sentence.as_str(), &edit, 1);
            let (first, second) =
                if random.below(2) == 0 { (sentence.clone(), edit) } else { (edit, sentence.clone()) };
            let beside = |text: &String| if text == sentence { shown.clone() } else { changed.clone() };
            put(SUPPORTED, "copy", first.clone(), beside(&first));
            put(CONTRADICTED, "edited", first, beside(&second));
        }
    }
    made
}

fn read_corpus(path: &Path) -> Result<BTreeMap<String, Abstract>, DatasetError> {
    let mut corpus = BTreeMap::new();
    for row in rows::<AbstractRow>(path)? {
        let sentences = printed_list::strings(&row.sentences).map_err(|reason| wrong(path, reason))?;
        let sentences = sentences.iter().map(|sentence| sentence.trim().to_owned()).collect();
        corpus.insert(row.doc_id, Abstract { title: row.title.trim().to_owned(), sentences });
    }
    Ok(corpus)
}

fn read_claims(path: &Path, corpus: &BTreeMap<String, Abstract>) -> Result<Vec<Claim>, DatasetError> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows::<ClaimRow>(path)? {
        let cited: Vec<u64> = printed_list::numbers(&row.cited_doc_ids).map_err(|reason| wrong(path, reason))?;
        let cited: Vec<String> = cited.iter().map(u64::to_string).collect();
        if let Some(missing) = cited.iter().find(|id| !corpus.contains_key(*id)) {
            return Err(wrong(path, format!("the corpus has no abstract {missing}, which claim {} cites", row.id)));
        }
        let place = *places.entry(row.id.clone()).or_insert_with(|| {
            claims.push(Claim { id: row.id.clone(), text: row.claim.trim().to_owned(), cited, evidence: Vec::new() });
            claims.len() - 1
        });
        let label = match row.evidence_label.as_str() {
            "" => continue,
            "SUPPORT" => SUPPORTED,
            "CONTRADICT" => CONTRADICTED,
            other => return Err(wrong(path, format!("the label of claim {} is {other:?}", row.id))),
        };
        let sentences = printed_list::numbers(&row.evidence_sentences).map_err(|reason| wrong(path, reason))?;
        claims[place].evidence.push((row.evidence_doc_id, label, sentences));
    }
    Ok(claims)
}

fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, DatasetError> {
    let mut reader = ::csv::Reader::from_path(path).map_err(|error| wrong(path, error.to_string()))?;
    reader.deserialize().collect::<Result<_, _>>().map_err(|error: ::csv::Error| wrong(path, error.to_string()))
}

fn wrong(path: &Path, reason: String) -> DatasetError {
    DatasetError::Format { file: path.to_owned(), format: "scifact", reason }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;
    use crate::train::dataset::pairs::file::{read, unsound};

    /// Forty claims, two on each of twenty abstracts, and some abstracts that nobody cites.
    fn write(folder: &Path) {
        let mut corpus = "doc_id,title,abstract,structured\n".to_owned();
        for id in 0..40 {
            let sentences = format!(
                "['We asked what the kiln number {id} does to the lamps of the town and why.' 'Heat promotes the growth of \
                 lamp number {id} in all of the kilns that were lit.' 'The keeper found that lamp {id} did not burn.']"
            );
            corpus += &format!("{id},Heat promotes growth of lamp {id},\"{sentences}\",False\n");
        }
        let mut claims = "id,claim,evidence_doc_id,evidence_label,evidence_sentences,cited_doc_ids\n".to_owned();
        for id in 0..40 {
            let document = id / 2;
            claims += &match id % 4 {
                0 => format!("{id},Heat promotes growth of lamp {id}.,{document},SUPPORT,[1],[{document}]\n"),
                1 => format!("{id},Heat inhibits growth of lamp {id}.,{document},CONTRADICT,[1],[{document}]\n"),
                _ => format!("{id},Lamp {id} is made of brass.,,,[],[{document}]\n"),
            };
        }
        fs::write(folder.join(CLAIMS), claims).unwrap();
        fs::write(folder.join(CORPUS), corpus).unwrap();
    }

    #[test]
    fn claims_are_cut_by_abstract_and_what_is_measured_is_only_what_was_judged() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let out = folder.path().join("out");
        let [claims, abstracts] = scifact_pairs(folder.path(), 1, 100, &out).unwrap();
        assert_eq!((claims.read, claims.tags["turned"] > 0), (40, true));
        let pairs = |split: &str| read(&out.join(split)).unwrap().remove(0).pairs;
        let (train, test, free) = (pairs("train"), pairs("test"), pairs("abstracts"));
        assert!(
            test.iter().chain(&pairs("validation")).all(|pair| pair.tags == ["evidence"] || pair.tags == ["abstract"])
        );
        assert_eq!(unsound(train.iter().chain(&free), test.iter(), 3), Vec::<String>::new());
        let claim = train.iter().find(|pair| pair.label == CONTRADICTED && pair.tags == ["evidence"]).unwrap();
        assert!(claim.first.starts_with("Heat inhibits") && claim.second.starts_with("Heat promotes"), "{claim:?}");
        // Twenty abstracts that nobody cites, and those of the claims to learn from.
        assert!((20..40).contains(&abstracts.read) && abstracts.tags["title"] > 0);
        let one = free.iter().find(|pair| pair.tags.contains(&"edited".to_owned())).unwrap();
        assert!(one.label == CONTRADICTED && !one.second.contains(&one.first));
    }

    #[test]
    fn a_claim_on_an_abstract_that_is_not_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let claims = fs::read_to_string(folder.path().join(CLAIMS)).unwrap();
        fs::write(folder.path().join(CLAIMS), claims + "77,It burns.,,,[],[999]\n").unwrap();
        let error = scifact_pairs(folder.path(), 1, 5, &folder.path().join("out")).unwrap_err().to_string();
        assert!(error.contains("999") && error.contains("77"), "{error}");
    }
}
