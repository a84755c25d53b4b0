"""Writes what transformers and PEFT compute for a base model and a low-rank reader of ours, for the ignored test
`models::encoder::parity_tests` to compare with:

    python -m venv venv && venv/bin/pip install torch transformers peft safetensors numpy
    venv/bin/python tests/parity/peft_reader.py BASE READER reference.safetensors
    PARITY_REFERENCE=reference.safetensors PARITY_BASE=BASE PARITY_READER=READER \
        cargo test --release --lib -- --ignored --nocapture parity

BASE is the folder of `footnote models pull all-minilm-l6-v2`, READER the `reader` folder of a run whose recipe has
`[lora]`. An adapter of the command `train extract` works as well.
"""

import sys

import torch
from peft import PeftModel
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertForQuestionAnswering

PAIRS = [
    ("When is the harbour lamp lit?", "The harbour lamp is lit at dawn by the keeper. It is put out at noon."),
    ("Who?", "Every tenth post carries a ring for the ferry, and the pier has forty posts of oak."),
    ("What does the 2nd clause say about späte Züge?", "Nothing. " * 60),
]

base, reader, out = sys.argv[1:]
torch.manual_seed(0)
tokenizer = Tokenizer.from_file(f"{base}/tokenizer.json")
tokenizer.no_padding()
tokenizer.no_truncation()
encodings = [tokenizer.encode(question, passage) for question, passage in PAIRS]
# Eager attention: the definition, not a fused kernel.
model = BertForQuestionAnswering.from_pretrained(base, attn_implementation="eager", dtype=torch.float32).eval()


def rows(compute):
    with torch.no_grad():
        made = [
            compute(input_ids=torch.tensor([e.ids]), token_type_ids=torch.tensor([e.type_ids])) for e in encodings
        ]
    return torch.cat([tensor[0] for tensor in made]).contiguous()


hidden = rows(lambda **inputs: model.bert(**inputs).last_hidden_state)
peft = PeftModel.from_pretrained(model, reader).eval()


def logits(**inputs):
    output = peft(**inputs)
    return torch.stack([output.start_logits, output.end_logits], dim=-1)


save_file(
    {
        "tokens": torch.tensor([id for e in encodings for id in e.ids]),
        "types": torch.tensor([kind for e in encodings for kind in e.type_ids]),
        "lengths": torch.tensor([len(e.ids) for e in encodings]),
        "hidden": hidden,
        "span": rows(logits),
    },
    out,
)
print(f"{len(encodings)} sequences, {len(hidden)} tokens")
