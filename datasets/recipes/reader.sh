#!/usr/bin/env bash
# Trains the reader that ships: a first run from the base, two that go on from the one before, and the mean of all.
#
#   datasets/recipes/reader.sh DATA OUT
#
# DATA is what prepare.sh made. OUT gets a folder for each run, and `reader`, which is what ships.
set -euo pipefail
data="$(realpath "${1:?the folder that prepare.sh made}")"
out="${2:?where the runs go}"
here="$(cd "$(dirname "$0")" && pwd)"
footnote="${FOOTNOTE:-footnote}"
mkdir -p "$out"
out="$(realpath "$out")"

# A set that is named twice counts double.
sets=(squad2/train squad2/train squad2/train squad1-all squadshifts-all nq sleepqa handbook/train handbook/train
    clapnq-unanswered clapnq-unanswered clapnq-unanswered)
folders=()
for set in "${sets[@]}"; do folders+=(--data "$data/$set"); done

number=0
run() { # steps, learning rate, what is shown
    number=$((number + 1))
    {
        [ "$number" = 1 ] || echo "from = \"$out/reader-$((number - 1))/reader\""
        sed -e "s/^seed = .*/seed = $((2025 + number))/; s/^max_steps = .*/max_steps = $1/" \
            -e "s/^learning_rate = .*/learning_rate = $2/; s/^shown = .*/shown = \"$3\"/" "$here/reader.toml"
    } >"$out/reader-$number.toml"
    "$footnote" train reader --recipe "$out/reader-$number.toml" --out "$out/reader-$number" \
        --validation "$data/squad2/tuning" --tuning "$data/squad2-tuning" "${folders[@]}"
}

run 1200 1e-3 whole
run 1000 7e-4 both
run 2000 6e-4 both
"$footnote" train average --out "$out/reader" --half --tuning "$data/squad2-tuning" --reader "$out/reader-1/reader" \
    --weight 0.2 --reader "$out/reader-2/reader" --weight 0.3 --reader "$out/reader-3/reader" --weight 0.5
