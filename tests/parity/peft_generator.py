#!/usr/bin/env python3
"""Compares the generator with an adapter against Python's PEFT, on the same weights and prompts.

The weights of the GGUF file are dequantized into a Hugging Face LlamaForCausalLM (rows of queries and keys put back
into its order), so that both sides compute with the same numbers. Without --adapter, PEFT writes a random adapter whose
pairs change each weight by a tenth of its size. For each prompt `footnote models logits` writes the scores after every
token of the prompt and of its greedy answer; PEFT computes them for the same tokens, and writes a greedy answer of its
own.

    python3 -m venv venv && venv/bin/pip install torch transformers peft safetensors gguf
    venv/bin/python tests/parity/peft_generator.py --footnote target/release/footnote \
        --gguf ~/.cache/footnote/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf \
        --prompts FOLDER_OF_TEXT_FILES --work FOLDER [--adapter DIR]

The variable FOOTNOTE_MODELS_DIR is passed on. It ends with code 1 when the way beside the weights, or the merged weights
without rounding, differ from PEFT by more than float arithmetic does, or when the adapter changes no answer.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import load_file
from transformers import LlamaConfig, LlamaForCausalLM

PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
MODES = ["none", "beside", "dense", "merged"]
# The largest difference of a score that the order of float sums explains; the scores are up to about 30.
ARITHMETIC = 2e-3


def base_model(path):
    """The model of a GGUF file, in Hugging Face's form and full precision."""
    reader = GGUFReader(path)

    def number(key):
        return reader.fields[f"llama.{key}"].contents()

    heads, kv_heads = number("attention.head_count"), number("attention.head_count_kv")
    names = {tensor.name for tensor in reader.tensors}
    theta = float(number("rope.freq_base"))
    config = LlamaConfig(
        vocab_size=len(reader.fields["tokenizer.ggml.tokens"].data),
        hidden_size=number("embedding_length"),
        intermediate_size=number("feed_forward_length"),
        num_hidden_layers=number("block_count"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=number("context_length"),
        rms_norm_eps=float(number("attention.layer_norm_rms_epsilon")),
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings="output.weight" not in names,
        attn_implementation="eager",
    )
    state = {}
    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
        top, _, rest = tensor.name.partition(".")
        if top == "blk":
            layer, part, _ = rest.split(".")
            if part in ("attn_q", "attn_k"):
                count = heads if part == "attn_q" else kv_heads
                # The file has each head's rows in pairs, Hugging Face in halves.
                pairs = weight.reshape(count, weight.shape[0] // count // 2, 2, weight.shape[1])
                weight = pairs.swapaxes(1, 2).reshape(weight.shape)
            name = f"model.layers.{layer}.{PARTS[part]}.weight"
        else:
            name = f"{TOP[top]}.weight"
        state[name] = torch.from_numpy(numpy.array(weight))
    model = LlamaForCausalLM(config).to(torch.float32)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    frequencies = theta ** -(numpy.arange(0, 1, 2 / (config.hidden_size // heads)))
    assert numpy.allclose(model.model.rotary_emb.inv_freq.numpy(), frequencies), "another rotation than the file's"
    return model.eval()


def random_adapter(model, folder):
    """Lets PEFT write an adapter for all modules of every third layer, which changes each weight by a tenth."""
    torch.manual_seed(7)
    modules = [name.split(".")[-1] for name in PARTS.values() if name.endswith("_proj")]
    layers = list(range(0, model.config.num_hidden_layers, 3))
    config = LoraConfig(
        r=8, lora_alpha=16, target_modules=modules, layers_to_transform=layers, task_type="CAUSAL_LM", lora_dropout=0.05
    )
    adapted = get_peft_model(model, config)
    with torch.no_grad():
        for module in adapted.modules():
            if hasattr(module, "lora_B"):
                a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
                b.normal_()
                change = (b @ a).norm() * module.scaling["default"]
                b.mul_(0.1 * module.base_layer.weight.norm() / change)
    adapted.save_pretrained(folder)
    adapted.unload()


def trace(arguments, mode, prompt, adapter):
    """The scores that our program computes."""
    out = pathlib.Path(arguments.work) / f"{prompt.stem}.{mode}.safetensors"
    command = [arguments.footnote, "models", "logits", "--prompt-file", prompt, "--out", out]
    command += ["--max-new-tokens", str(arguments.max_new_tokens)]
    if mode == "none":
        command += ["--generator-adapter", "none"]
    else:
        command += ["--generator-adapter", adapter, "--adapter-mode", mode]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tensors = load_file(out)
    out.unlink()
    return tensors["tokens"].astype(numpy.int64), int(tensors["prompt_tokens"][0]), tensors["logits"], json.loads(said)


@torch.no_grad()
def scores(model, tokens):
    return model(torch.from_numpy(tokens)[None]).logits[0].numpy()


@torch.no_grad()
def greedy(model, prompt, count):
    """The tokens that follow a prompt, whatever they are."""
    tokens, past, answer = torch.from_numpy(prompt)[None], None, []
    for _ in range(count):
        result = model(tokens, past_key_values=past, use_cache=True)
        past, tokens = result.past_key_values, result.logits[:, -1:].argmax(-1)
        answer.append(int(tokens))
    return answer


def log_softmax(scores):
    scores = scores.astype(numpy.float64)
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(-1, keepdims=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["footnote", "gguf", "prompts", "work"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--adapter")
    parser.add_argument("--max-new-tokens", type=int, default=40)
    arguments = parser.parse_args()
    pathlib.Path(arguments.work).mkdir(parents=True, exist_ok=True)
    prompts = sorted(pathlib.Path(arguments.prompts).glob("*.txt"))
    assert prompts, "the folder of prompts has no *.txt"

    adapter = arguments.adapter
    if adapter is None:
        adapter = str(pathlib.Path(arguments.work) / "random-adapter")
        random_adapter(base_model(arguments.gguf), adapter)
    # Each model on weights of its own: PEFT changes the one that it is given.
    models = {"none": base_model(arguments.gguf)}
    models["peft"] = PeftModel.from_pretrained(base_model(arguments.gguf), adapter).eval()

    rows, changed, failures = {mode: [] for mode in MODES}, 0, []
    for prompt in prompts:
        answers = {}
        for mode in MODES:
            tokens, length, ours, said = trace(arguments, mode, prompt, adapter)
            model = models["none" if mode == "none" else "peft"]
            theirs = scores(model, tokens)
            left, right = log_softmax(theirs), log_softmax(ours)
            kl = (numpy.exp(left) * (left - right)).sum(-1)
            answers[mode] = list(tokens[length:])
            free = greedy(model, tokens[:length], len(answers[mode]))
            same = [a == b for a, b in zip(answers[mode], free)]
            agree = theirs.argmax(-1) == ours.argmax(-1)
            rows[mode].append({
                "prompt": prompt.stem, "length": length, "answer": len(answers[mode]),
                "max": float(abs(theirs - ours).max()), "mean": float(abs(theirs - ours).mean()),
                "kl_max": float(kl.max()), "kl_mean": float(kl.mean()),
                "top_prompt": float(agree[: length - 1].mean()), "top_answer": float(agree[length - 1 :].mean()),
                "same_until": same.index(False) if False in same else len(same), "text": said["answer"],
            })
            if mode != "merged" and rows[mode][-1]["max"] > ARITHMETIC:
                failures.append(f"{prompt.stem}, {mode}: scores differ by {rows[mode][-1]['max']:.2g}")
        changed += answers["beside"] != answers["none"]

    print(f"{'mode':8}{'prompt':16}{'tokens':>10}{'max |d|':>10}{'mean |d|':>10}{'max KL':>10}{'mean KL':>10}"
          f"{'top, prompt':>13}{'top, answer':>13}{'greedy same':>13}")
    for mode in MODES:
        for row in rows[mode]:
            tokens = f"{row['length']}+{row['answer']}"
            print(f"{mode:8}{row['prompt'][:15]:16}{tokens:>10}{row['max']:>10.2g}{row['mean']:>10.2g}"
                  f"{row['kl_max']:>10.2g}{row['kl_mean']:>10.2g}{row['top_prompt']:>13.4f}{row['top_answer']:>13.4f}"
                  f"{row['same_until']:>10}/{row['answer']}")
    print(f"\nthe adapter changes the answer to {changed} of {len(prompts)} prompts, for example:")
    for mode in ["none", "beside", "merged"]:
        print(f"  {mode}: {rows[mode][0]['text'][:160]!r}")
    if not changed:
        failures.append("an adapter that changes no answer proves nothing")
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
