"""llama.cpp as the peer of `footnote bench generate`: reads conversations, says how long each took.

usage: footnote bench generate --peer "python3 benches/llama_cpp.py MODEL.gguf [THREADS]"

Needs the package `xllamacpp` (a wheel with llama.cpp in it). Nothing is kept from one conversation to the next, and the
answer is greedy.
"""

import json
import os
import sys

# llama.cpp writes to standard output as well, where only replies may stand.
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import xllamacpp  # noqa: E402

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 2
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = 4096
params.n_parallel = 1
params.cpuparams.n_threads = threads
params.cpuparams_batch.n_threads = threads
server = xllamacpp.Server(params)

for line in sys.stdin:
    asked = json.loads(line)
    reply = server.handle_chat_completions(
        {
            "messages": asked["messages"],
            "max_tokens": asked["max_tokens"],
            "temperature": 0,
            "cache_prompt": False,
        }
    )
    if isinstance(reply, str):
        reply = json.loads(reply)
    timings = reply["timings"]
    json.dump(
        {
            "prompt_tokens": timings["prompt_n"],
            "prompt_ms": timings["prompt_ms"],
            "completion_tokens": timings["predicted_n"],
            "completion_ms": timings["predicted_ms"],
        },
        replies,
    )
    replies.write("\n")
    replies.flush()
