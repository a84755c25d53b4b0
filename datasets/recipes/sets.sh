# What the scripts of the reader share; not a program. Arguments: the folder that prepare.sh made, where the runs go.
data="$(realpath "${1:?the folder that prepare.sh made}")"
mkdir -p "${2:?where the runs go}"
out="$(realpath "$2")"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
footnote="${FOOTNOTE:-footnote}"

# What the reader learns from. A set that is named twice counts double.
public=(squad2/train squad2/train squad2/train nq sleepqa clapnq-unanswered clapnq-unanswered clapnq-unanswered)
edited=(squad1-all squadshifts-all)
own=(handbook/train handbook/train)

train() { # recipe, out, data sets…
    local recipe="$1" to="$2" folders=()
    shift 2
    for set in "$@"; do folders+=(--data "$data/$set"); done
    "$footnote" train reader --recipe "$recipe" --out "$to" --validation "$data/squad2/tuning" \
        --tuning "$data/squad2-tuning" "${folders[@]}"
}
