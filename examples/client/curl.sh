#!/usr/bin/env bash
# Uploads a document, asks about it, checks the footnotes, says something about the answer, and deletes the document.
#
#     bash curl.sh FILE QUESTION
#
# With curl and jq. FOOTNOTE_URL names the server (http://127.0.0.1:8642 when it is not set), FOOTNOTE_API_KEY the key, where
# one is needed. What was seen is printed as JSON.
set -euo pipefail

url="${FOOTNOTE_URL:-http://127.0.0.1:8642}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# The key goes into a file that curl reads: what stands on a command line can be seen by everyone on the machine.
: > "$scratch/curlrc"
if [ -n "${FOOTNOTE_API_KEY:-}" ]; then
    printf 'header = "authorization: Bearer %s"\n' "$FOOTNOTE_API_KEY" > "$scratch/curlrc"
fi

# call METHOD PATH [CURL ARGUMENTS]: the body of the answer. What is refused for a while (429, 503) is sent again.
call() {
    local method="$1" path="$2" attempt status wait
    shift 2
    for attempt in 1 2 3 4 5 6; do
        status="$(curl --silent --show-error --no-buffer --max-time 320 --config "$scratch/curlrc" --request "$method" \
            --dump-header "$scratch/headers" --output "$scratch/body" --write-out '%{http_code}' "$@" "$url$path")"
        case "$status" in
            2*) cat "$scratch/body"; return 0 ;;
        esac
        wait="$(tr -d '\r' < "$scratch/headers" | awk -F': ' 'tolower($1) == "retry-after" { print $2 }' | tail -n 1)"
        if { [ "$status" = 429 ] || [ "$status" = 503 ]; } && [ -n "$wait" ] && [ "$attempt" -lt 6 ]; then
            echo "$status: $(jq -r .detail "$scratch/body"); trying again in $wait s" >&2
            sleep "$wait"
            continue
        fi
        echo "$status: $(jq -r '.detail // "no reason was given"' "$scratch/body" 2>/dev/null || cat "$scratch/body")" >&2
        if [ "$status" = 401 ]; then echo "set FOOTNOTE_API_KEY" >&2; fi
        return 1
    done
}

# post PATH JSON
post() { call POST "$1" --header 'content-type: application/json' --data-binary "$2"; }

# data NAME: the data of the server-sent events of this name, one a line.
data() { awk -v name="$1" '/^event:/ { event = $2 } /^data:/ && event == name { sub(/^data: ?/, ""); print }'; }

# wait_for JOB: follows a job to its end.
wait_for() {
    local events end
    events="$(call GET "/v1/jobs/$1/events")"
    end="$(data job <<< "$events" | tail -n 1)"
    if [ "$(jq -r .state <<< "$end")" != succeeded ]; then
        echo "$1 ended as $(jq -r '"\(.state): \(.error)"' <<< "$end")" >&2
        return 1
    fi
}

# check OUTCOME: compares every quote with the stored text at its offsets, which count code points, as jq does.
check() {
    local citation stored
    jq -c '.citations[]' <<< "$1" | while read -r citation; do
        stored="$(call GET "/v1/documents/$(jq -r .document_id <<< "$citation")/text")"
        if ! jq -e --argjson citation "$citation" --argjson outcome "$1" \
            '.text[$citation.source_start:$citation.source_end] == $citation.quote or $outcome.redacted != null' \
            <<< "$stored" > /dev/null; then
            echo "not in the source: $(jq -r .quote <<< "$citation")" >&2
            exit 1
        fi
    done
}

file="$1" question="$2"
uploaded="$(call POST /v1/documents --form "file=@\"$file\"")"
document="$(jq -r '.documents[0].document_id' <<< "$uploaded")"
wait_for "$(jq -r '.documents[0].job_id' <<< "$uploaded")"

outcome="$(post /v1/ask "$(jq -n --arg question "$question" '{question: $question}')")"
events="$(post /v1/ask "$(jq -n --arg question "$question" '{question: $question, stream: true}')")"
problem="$(data problem <<< "$events")"
if [ -n "$problem" ]; then echo "$(jq -r '"\(.status): \(.detail)"' <<< "$problem")" >&2; exit 1; fi
said="$(data sentence <<< "$events" | jq -j .text)"
streamed="$(data outcome <<< "$events")"
check "$outcome"
check "$streamed"

feedback="$(post "/v1/answers/$(jq -r .id <<< "$outcome")/feedback" '{"verdict": "right", "comment": "from curl.sh"}')"
deleted="$(call DELETE "/v1/documents/$document")"
wait_for "$(jq -r .job_id <<< "$deleted")"
jq -cn --argjson outcome "$outcome" --argjson streamed "$streamed" --arg said "$said" --argjson feedback "$feedback" \
    --argjson deleted "$deleted" '{outcome: $outcome.outcome, answer: $outcome.answer, streamed: $said,
    checked: (($outcome.citations | length) + ($streamed.citations | length)), feedback: $feedback.verdict,
    deleted: $deleted.document_id}'
