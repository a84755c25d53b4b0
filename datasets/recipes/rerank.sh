#!/usr/bin/env bash
# Makes the pairs and trains the model that says whether a passage answers a question.
#
#   datasets/recipes/rerank.sh DATA OUT
#
# DATA is what prepare.sh made. OUT gets `pairs/` and the run `reranker/`. What it brings: `footnote eval retrieval --rerank
# OUT/reranker/pairs` on questions over documents that it was not trained on.
set -euo pipefail
data="$(realpath "${1:?the folder that prepare.sh made}")"
mkdir -p "${2:?where pairs and run go}"
out="$(realpath "$2")"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
footnote="${FOOTNOTE:-footnote}"
pairs="$out/pairs"

rerank() { # set, name, questions at most
    "$footnote" dataset pairs rerank "$data/$1" --out "$pairs/$2" --limit "$3" --seed 2026
}
rerank squad2/train squad2 9999
rerank squad2/tuning squad2-tuning 9999
rerank squad1 squad1 3500
rerank squadshifts squadshifts 2000
rerank nq nq 9999

folders=()
for set in squad2 squad1 squadshifts nq; do folders+=(--data "$pairs/$set"); done
"$footnote" train pairs --recipe "$here/rerank.toml" --out "$out/reranker" "${folders[@]}" \
    --validation "$pairs/squad2-tuning"
