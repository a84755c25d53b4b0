"""What a user would otherwise put together in Python, as the peer of `footnote bench ask`.

usage: footnote bench ask --peer "python3 benches/python_rag.py MODEL.gguf EMBEDDER_FOLDER [THREADS]"

Passages are embedded by a sentence transformer under ONNX Runtime (the folder holds `model.onnx` and `tokenizer.json`),
and indexed by BM25; both rankings are fused by their ranks, and a chat model under llama.cpp answers from the best three.
Needs the packages `xllamacpp`, `onnxruntime`, `tokenizers` and `numpy`.
"""

import collections
import json
import math
import os
import re
import sys

# llama.cpp writes to standard output as well, where only replies may stand.
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import numpy  # noqa: E402
import onnxruntime  # noqa: E402
import tokenizers  # noqa: E402
import xllamacpp  # noqa: E402

SYSTEM = (
    "Answer the question in one sentence from the passages. "
    "If the passages do not answer it, reply exactly: unanswerable."
)
K1, B, RANKS, BEST = 1.2, 0.75, 60, 3

model, folder = sys.argv[1:3]
threads = int(sys.argv[3]) if len(sys.argv) > 3 else 2

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(
    os.path.join(folder, "model.onnx"), options, providers=["CPUExecutionProvider"]
)
wanted = {entry.name for entry in session.get_inputs()}
tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
tokenizer.enable_truncation(256)
tokenizer.enable_padding()

params = xllamacpp.CommonParams()
params.model.path = model
params.n_ctx = 4096
params.n_parallel = 1
params.cpuparams.n_threads = threads
params.cpuparams_batch.n_threads = threads
server = xllamacpp.Server(params)


def embed(texts):
    vectors = []
    for first in range(0, len(texts), 16):
        encoded = tokenizer.encode_batch(texts[first : first + 16])
        ids = numpy.array([entry.ids for entry in encoded])
        mask = numpy.array([entry.attention_mask for entry in encoded])
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        rows = session.run(None, {name: value for name, value in feed.items() if name in wanted})[0]
        mean = (rows * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        vectors.append(mean / numpy.linalg.norm(mean, axis=1, keepdims=True))
    return numpy.concatenate(vectors)


def words(text):
    return re.findall(r"\w+", text.lower())


class Index:
    def __init__(self, passages):
        self.passages = passages
        self.vectors = embed(passages)
        counts = [collections.Counter(words(passage)) for passage in passages]
        lengths = [sum(count.values()) for count in counts]
        mean = sum(lengths) / len(lengths)
        self.postings = collections.defaultdict(list)
        for number, (count, length) in enumerate(zip(counts, lengths)):
            for word, times in count.items():
                weight = times * (K1 + 1) / (times + K1 * (1 - B + B * length / mean))
                self.postings[word].append((number, weight))

    def best(self, question):
        keyword = numpy.zeros(len(self.passages))
        for word in words(question):
            found = self.postings.get(word, [])
            rarity = math.log(1 + (len(self.passages) - len(found) + 0.5) / (len(found) + 0.5))
            for number, weight in found:
                keyword[number] += rarity * weight
        fused = numpy.zeros(len(self.passages))
        for scores in (self.vectors @ embed([question])[0], keyword):
            for rank, number in enumerate(numpy.argsort(-scores)[:50]):
                fused[number] += 1 / (RANKS + rank)
        return [self.passages[number] for number in numpy.argsort(-fused)[:BEST]]


def answer(question, index):
    shown = "\n\n".join(f"[{number}] {text}" for number, text in enumerate(index.best(question), 1))
    reply = server.handle_chat_completions(
        {
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": f"{shown}\n\nQuestion: {question}"},
            ],
            "max_tokens": 48,
            "temperature": 0,
            "cache_prompt": False,
        }
    )
    reply = json.loads(reply) if isinstance(reply, str) else reply
    return reply["choices"][0]["message"]["content"]


index = None
for line in sys.stdin:
    asked = json.loads(line)
    if "passages" in asked:
        index = Index(asked["passages"])
        said = {"passages": len(index.passages)}
    else:
        said = {"answer": answer(asked["question"], index)}
    json.dump(said, replies)
    replies.write("\n")
    replies.flush()
