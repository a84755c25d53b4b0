#!/usr/bin/env bash
# Trains the reader that ships: a first run from the base, two that go on from the one before, and the mean of all.
#
#   datasets/recipes/reader.sh DATA OUT
#
# DATA is what prepare.sh made. OUT gets a folder for each run, and `reader`, which is what ships.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sets.sh"

number=0
run() { # steps, learning rate, what is shown
    number=$((number + 1))
    {
        [ "$number" = 1 ] || echo "from = \"$out/reader-$((number - 1))/reader\""
        sed -e "s/^seed = .*/seed = $((2025 + number))/; s/^max_steps = .*/max_steps = $1/" \
            -e "s/^learning_rate = .*/learning_rate = $2/; s/^shown = .*/shown = \"$3\"/" "$here/reader.toml"
    } >"$out/reader-$number.toml"
    train "$out/reader-$number.toml" "$out/reader-$number" "${public[@]}" "${edited[@]}" "${own[@]}"
}

run 1200 1e-3 whole
run 1000 7e-4 both
run 2000 6e-4 both
"$footnote" train average --out "$out/reader" --half --tuning "$data/squad2-tuning" --reader "$out/reader-1/reader" \
    --weight 0.2 --reader "$out/reader-2/reader" --weight 0.3 --reader "$out/reader-3/reader" --weight 0.5
