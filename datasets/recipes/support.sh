#!/usr/bin/env bash
# Makes the pairs, trains the model that says whether evidence supports a sentence in two runs, and measures it.
#
#   datasets/recipes/support.sh PUBLIC_DATA DATA OUT
#
# PUBLIC_DATA as for prepare.sh, DATA is what prepare.sh made. OUT gets `pairs/`, the run `support/`, and what was measured.
# HaluEval's questions and SciFact's claims are cut by what they share: a half is learned from, 15 % decide the threshold
# (with the tuning articles of SQuAD 2.0), and 35 % measure.
set -euo pipefail
public="$(realpath "${1:?the folder of public data}")"
data="$(realpath "${2:?the folder that prepare.sh made}")"
mkdir -p "${3:?where pairs and run go}"
out="$(realpath "$3")"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
footnote="${FOOTNOTE:-footnote}"
pairs="$out/pairs"

"$footnote" dataset pairs halueval "$public"/halueval/qa_*-turn_data.json --out "$pairs/halueval" --seed 2026
"$footnote" dataset pairs scifact "$public/scifact" --out "$pairs/scifact" --seed 2026
support() { # set, name, examples at most
    "$footnote" dataset pairs support "$data/$1" --out "$pairs/$2" --limit "$3" --seed 2026
}
support squad2/train squad2 9999
support squad2/tuning squad2-tuning 9999
support squad2/test squad2-test 9999
support squad1 squad1 3000
support squadshifts squadshifts 1500

folders=()
for set in squad2 squad1 squadshifts scifact/abstracts; do folders+=(--data "$pairs/$set"); done
# Few, and judged by people: they count five times.
for _ in 1 2 3 4 5; do folders+=(--data "$pairs/halueval/train" --data "$pairs/scifact/train"); done
run() { # recipe, out
    "$footnote" train pairs --recipe "$1" --out "$2" "${folders[@]}" --validation "$pairs/halueval/validation" \
        --validation "$pairs/scifact/validation" --validation "$pairs/squad2-tuning"
}
run "$here/support.toml" "$out/support-1"
# A second run goes on from the first, with another order.
sed -e "s/^seed = .*/seed = 2027/; s#^from = .*#from = \"$out/support-1/pairs\"#; s/^max_steps = .*/max_steps = 600/" \
    -e 's/^learning_rate = .*/learning_rate = 7e-4/; s/^validate_every = .*/validate_every = 200/' \
    "$here/support.toml" >"$out/support-2.toml"
run "$out/support-2.toml" "$out/support"

measure() { # title, arguments…
    printf '\n%s\n' "$1"
    shift
    "$footnote" eval pairs --model "$out/support/pairs" "$@"
}
{
    measure "HaluEval, test: right answers as they are, and made-up ones" --data "$pairs/halueval/test" --without worded
    measure "HaluEval, test: right answers in a sentence, and made-up ones" --data "$pairs/halueval/test" --without bare
    measure "SciFact, test: claims beside their evidence sentences" --data "$pairs/scifact/test" --tag evidence
    measure "SciFact, test: claims beside whole abstracts, three labels" --data "$pairs/scifact/test" --tag abstract
    measure "SQuAD 2.0, test articles: sentences as they stand (only \`turned down\` counts)" --data "$pairs/squad2-test" --tag copy
    measure "SQuAD 2.0, test articles: all pairs" --data "$pairs/squad2-test"
} | tee "$out/support.txt"
