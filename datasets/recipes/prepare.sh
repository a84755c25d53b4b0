#!/usr/bin/env bash
# Builds the training data of the adapters that ship, from public question sets and our own.
#
#   datasets/recipes/prepare.sh PUBLIC_DATA OUT
#
# PUBLIC_DATA holds the public sets as their authors publish them (README.md beside this file says which, and their
# licences); nothing of their text is in this repository. OUT gets a data set for each source, and below `squad2` the
# cut by article: `train`, `tuning` (thresholds are chosen on it) and `test` (never trained or tuned on).
set -euo pipefail
data="${1:?the folder of public data}"
out="${2:?where the data sets go}"
here="$(cd "$(dirname "$0")" && pwd)"
footnote="${FOOTNOTE:-footnote}"
mkdir -p "$out"

import() { # format, name, files…
    local format="$1" name="$2"
    shift 2
    # 4: some records were refused, and the command has said which and why.
    "$footnote" dataset import "$format" "$@" --out "$out/$name" --id-prefix "$name-" || [ $? = 4 ]
}

hold_out() { # set, out, titles…
    local set="$1" cut="$2"
    shift 2
    "$footnote" dataset split "$out/$set" --out "$out/$cut" --hold-out "$@"
}

# Annotators of the public sets repeat questions and disagree: known, and allowed by name.
allow() { printf '[lint]\nallow = ["duplicate", "contradicting-outcome", "contradicting-answers"]\n' >"$1/dataset.toml"; }

# SQuAD 2.0, cut by article: twelve to learn from, two of them to choose thresholds on, four to measure with.
test_articles=("European Union law" Force "Harvard University" Huguenot)
import squad squad2 "$data/squad2/dev16.json" --licence CC-BY-SA-4.0
allow "$out/squad2"
hold_out squad2 squad2-parts "${test_articles[@]}"
mv "$out/squad2-parts/validation" "$out/squad2/test"
mv "$out/squad2-parts/train" "$out/squad2-rest"
allow "$out/squad2-rest"
hold_out squad2-rest squad2-learn Normans "1973 oil crisis"
mv "$out/squad2-learn/train" "$out/squad2/train"
mv "$out/squad2-learn/validation" "$out/squad2/tuning"
rm -rf "$out/squad2-parts" "$out/squad2-rest" "$out/squad2-learn" "$out/squad2/task.jsonl"
for split in train tuning test; do allow "$out/squad2/$split"; done

# Our own set, cut by the groups of its README.
"$footnote" dataset split "$here/../handbook" --out "$out/handbook" --hold-out handbook/configuration.md \
    handbook/containers.md handbook/storage.md handbook/health-and-metrics.md handbook/backups-and-security.md \
    handbook/errors-and-limits.md handbook/command-line.md handbook/troubleshooting.md handbook/quick-start.md
mv "$out/handbook/validation" "$out/handbook/test"

ending() { # answered or abstained, set, out: the examples of a set that should end so
    mkdir -p "$out/$3"
    for file in "$out/$2"/*.jsonl; do
        grep -E "\"expected\": ?\"$1\"" "$file" >"$out/$3/$(basename "$file")" || rm "$out/$3/$(basename "$file")"
    done
    allow "$out/$3"
}
# For the generator: where the reader decides, a draft that declines is of no use.
for split in train test; do ending answered "handbook/$split" "handbook-answered/$split"; done

import squad squad1 "$data/squad1/test-v1.1.json" --licence CC-BY-SA-4.0
import squad squadshifts "$data/squadshifts/new_wiki_v1.0.json" --licence LicenseRef-squadshifts
import nq nq "$data/nq/oracle.jsonl"
# One question is asked in the test articles as well.
grep -v '"who came up with the theory of relativity"' "$out/nq/task.jsonl" >"$out/nq/kept" && mv "$out/nq/kept" "$out/nq/task.jsonl"
import sleepqa sleepqa "$data"/sleepqa/*.json*
for name in squad1 squadshifts nq sleepqa; do allow "$out/$name"; done

# Answers in sentences, and questions without one: one half. The other half measures.
import clapnq clapnq-whole "$data/clapnq/split-devs-answerable.jsonl" "$data/clapnq/split-devs-unanswerable.jsonl"
"$footnote" dataset split "$out/clapnq-whole" --out "$out/clapnq" --train 0.5 --validation 0 --test 0.5 --seed 2026
ending answered clapnq/train clapnq-answered
# What real users asked and the page does not say, for the reader.
ending abstained clapnq/train clapnq-unanswered
rm -rf "$out/clapnq-whole" "$out/clapnq/train"
allow "$out/clapnq/test"

# Claims and the sentences of abstracts that support or contradict them: readers and generators learn nothing from it.
import scifact scifact "$data/scifact"

# The reader is tuned as it is used: with near passages beside the right one.
"$footnote" dataset negatives "$out/squad2/tuning" --out "$out/squad2-tuning" --distractors 2 --seed 2026
allow "$out/squad2-tuning"

# What looks answerable and is not: questions with one fact changed, and questions beside near but wrong passages.
for name in squad1 squadshifts; do
    "$footnote" dataset negatives "$out/$name" --kind edited --out "$out/$name-edited" --seed 2026
    "$footnote" dataset negatives "$out/$name-edited" --kind paired --out "$out/$name-all" --cap 0.45 --seed 2026
    allow "$out/$name-all"
done

# Questions that lean on a conversation, and the same written out.
"$footnote" dataset import follow-ups "$here/../understanding/follow-ups.jsonl" --squad "$data/squad2/dev16.json" \
    --corpus "$here/../../corpus" --out "$out/follow-ups"
"$footnote" dataset import follow-ups "$here/../understanding/follow-ups.jsonl" --squad "$data/squad2/dev16.json" \
    --corpus "$here/../../corpus" --stand-alone --out "$out/follow-ups-stand-alone"

# What a model of order is measured on (`eval retrieval --rerank`): all sixteen articles, and the questions of the four that
# nothing learns from.
python3 - "$data/squad2/dev16.json" "$out/squad2-retrieval.json" "${test_articles[@]}" <<'PYTHON'
import json, sys

squad = json.load(open(sys.argv[1]))
for article in squad["data"]:
    if article["title"].replace("_", " ") not in sys.argv[3:]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"] = []
asked = sum(len(paragraph["qas"]) for article in squad["data"] for paragraph in article["paragraphs"])
assert asked > 0, "none of the four articles is there"
json.dump(squad, open(sys.argv[2], "w"))
PYTHON

# The suites that the adapters are measured on. `distractors` are near passages out of all sixteen articles.
mkdir -p "$out/suites"
suite() { # file, lines…
    local file="$out/suites/$1.toml"
    shift
    printf '%s\n' "name = \"$(basename "$file" .toml)\"" "$@" >"$file"
}
suite squad2-closed 'mode = "closed"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' \
    'distractors = 2' 'limit = 400' 'seed = 2026'
suite squad2-open 'mode = "open"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' \
    'limit = 400' 'seed = 2026'
# All questions of the four articles: what a calibration error is read from, which with few questions is mostly noise.
suite squad2-open-whole 'mode = "open"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' 'seed = 2026'
# The same questions, each with one typo.
typos="typos = \"$(realpath --relative-to="$out/suites" "$data/spelling")\""
suite squad2-closed-typos 'mode = "closed"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' \
    'distractors = 2' 'limit = 400' 'seed = 2026' "$typos"
suite squad2-open-typos 'mode = "open"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' \
    'limit = 400' 'seed = 2026' "$typos"
# What the weights of the correction are chosen on (`eval spelling`): questions of the articles that are learned from.
suite squad2-open-learn-typos 'mode = "open"' 'data = "../squad2"' 'split = "train"' 'corpus = ["tuning", "test"]' \
    'seed = 7' "$typos"
suite clapnq-closed 'mode = "closed"' 'data = "../clapnq"' 'split = "test"' 'distractors = 2' 'seed = 2026'
suite scifact-closed 'mode = "closed"' 'data = "../scifact"' 'distractors = 2' 'limit = 400' 'seed = 2026'
suite handbook-closed 'mode = "closed"' 'data = "../handbook"' 'split = "test"' 'seed = 2026'
# Two questions in one request, conversations, and what a calibration is fitted on.
suite two-part-open 'mode = "open"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' \
    'pairs = 120' 'seed = 2026'
for set in follow-ups follow-ups-stand-alone; do
    suite "$set-open" 'mode = "open"' "data = \"../$set\"" 'split = "test"' 'corpus_data = "../squad2"' \
        'corpus = ["train", "tuning", "test"]' 'seed = 2026'
done
# What each stage brings and costs (`eval ablate`): fewer questions of each kind, because each is asked a dozen times.
suite ablation-typos 'mode = "open"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' \
    'limit = 80' 'seed = 2026' "$typos"
suite ablation-two-part 'mode = "open"' 'data = "../squad2"' 'split = "test"' 'corpus = ["train", "tuning"]' \
    'pairs = 20' 'seed = 2026'
suite ablation-follow-ups 'mode = "open"' 'data = "../follow-ups"' 'split = "test"' 'corpus_data = "../squad2"' \
    'corpus = ["train", "tuning", "test"]' 'limit = 40' 'seed = 2026'
suite squad2-open-tuning 'mode = "open"' 'data = "../squad2"' 'split = "tuning"' 'corpus = ["train", "test"]' \
    'seed = 2026'
