//! Hugging Face's names of a Llama model's tensors as GGUF has them.
//!
//! Depends on nothing.

/// The name that GGUF has for a tensor; `None` for one that a forward pass does not need.
pub(super) fn gguf_name(name: &str) -> Option<String> {
    if name.ends_with("rotary_emb.inv_freq") {
        return None;
    }
    let whole = match name {
        "model.embed_tokens.weight" => Some("token_embd.weight"),
        "model.norm.weight" => Some("output_norm.weight"),
        "lm_head.weight" => Some("output.weight"),
        _ => None,
    };
    let known = whole.map(str::to_owned).or_else(|| {
        let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
        let (module, kind) = rest.rsplit_once('.')?;
        let part = match module {
            "input_layernorm" => "attn_norm",
            "self_attn.q_proj" => "attn_q",
            "self_attn.k_proj" => "attn_k",
            "self_attn.v_proj" => "attn_v",
            "self_attn.o_proj" => "attn_output",
            "post_attention_layernorm" => "ffn_norm",
            "mlp.gate_proj" => "ffn_gate",
            "mlp.up_proj" => "ffn_up",
            "mlp.down_proj" => "ffn_down",
            _ => return None,
        };
        Some(format!("blk.{layer}.{part}.{kind}"))
    });
    // What nobody knows keeps its name, and is refused under it.
    Some(known.unwrap_or_else(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tensors_are_renamed_and_others_keep_their_names() {
        for (name, right) in [
            ("model.embed_tokens.weight", Some("token_embd.weight")),
            ("model.layers.11.self_attn.k_proj.bias", Some("blk.11.attn_k.bias")),
            ("model.layers.0.post_attention_layernorm.weight", Some("blk.0.ffn_norm.weight")),
            ("model.layers.0.block_sparse_moe.gate.weight", Some("model.layers.0.block_sparse_moe.gate.weight")),
            ("model.layers.3.self_attn.rotary_emb.inv_freq", None),
        ] {
            assert_eq!(gguf_name(name).as_deref(), right, "{name}");
        }
    }
}
