#!/usr/bin/env bash
# What more data brings, and what each choice of the reader's recipe brings: short runs that differ in one thing.
#
#   datasets/recipes/ablations.sh DATA OUT
#
# DATA is what prepare.sh made, OUT gets a folder for each run. Prints a line for each: its steps, the sequences that it
# saw, and what it reaches on the tuning articles, never the test ones, with a threshold chosen there.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sets.sh"

run() { # name, steps, sed script for the recipe, data sets…
    local name="$1" steps="$2" change="$3"
    shift 3
    # From the base: going on from a reader would hide what is asked here.
    sed -e "/^from /d; s/^max_steps = .*/max_steps = $steps/; s/^checkpoint_every = .*/checkpoint_every = $steps/" \
        -e "s/^validate_every = .*/validate_every = $steps/; $change" "$here/reader.toml" >"$out/$name.toml"
    [ -e "$out/$name/card.json" ] || train "$out/$name.toml" "$out/$name" "$@" >"$out/$name.log" 2>&1
    python3 - "$out/$name/card.json" "$name" <<'PYTHON'
import json, sys
card = json.load(open(sys.argv[1]))
found, steps = card["tuning"], card["result"]["steps"]
figures = found["figures"]
print(f"| `{sys.argv[2]}` | {steps} | {steps * card['configuration']['fit']['batch']:,} | {100 * figures['has_ans_f1']:.1f} "
      f"| {100 * figures['no_ans_accuracy']:.1f} | {50 * (figures['has_ans_f1'] + figures['no_ans_accuracy']):.1f} |", flush=True)
PYTHON
}

printf '| Run | Steps | Sequences | HasAns F1 | NoAns | Mean of both |\n|---|---|---|---|---|---|\n'
all=("${public[@]}" "${edited[@]}" "${own[@]}")
for steps in 150 300 600 1200; do run "data-$steps" "$steps" "" "${all[@]}"; done
run rank-8 600 's/^rank = .*/rank = 8/; s/^alpha = .*/alpha = 16.0/' "${all[@]}"
run upper-half 600 's/^rank = .*/&\nlayers = [3, 4, 5]/' "${all[@]}"
run no-negatives 600 "" "${public[@]}" squad1 squadshifts "${own[@]}"
run no-own-set 600 "" "${public[@]}" "${edited[@]}"
