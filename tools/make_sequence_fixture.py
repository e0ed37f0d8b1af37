#!/usr/bin/env python3
"""Writes tests/reference/data/sequences.safetensors: a small GPT-2 and a small Llama of transformers
and an LSTM of PyTorch, under our names, one batch of symbols, and what they make of it; of the LSTM
also its loss and gradients. Needs torch, transformers and safetensors.

usage: tools/make_sequence_fixture.py [OUT]"""
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

torch.manual_seed(1)
SYMBOLS, LENGTH, LAYERS, WIDTH = 11, 10, 2, 16
x = torch.randint(0, SYMBOLS, (3, LENGTH))
# the symbol after the last one stands before the first place
before = torch.cat([torch.full((3, 1), SYMBOLS), x[:, :-1]], 1)
out = {"x": x}


def moved(net):  # gains of 1 and shifts of 0 would hide a mistake
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return net.eval()


def keep(prefix, weights):
    for name, value in weights.items():
        out[f"{prefix}.weights.{name}"] = value.detach().clone().contiguous()


gpt = moved(GPT2LMHeadModel(GPT2Config(vocab_size=SYMBOLS + 1, n_positions=12, n_embd=WIDTH, n_layer=LAYERS,
                                       n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)))
w = {"table": gpt.transformer.wte.weight, "places": gpt.transformer.wpe.weight,
     "norm.weight": gpt.transformer.ln_f.weight, "norm.bias": gpt.transformer.ln_f.bias}
for i, h in enumerate(gpt.transformer.h):
    for ours, theirs in (("norm_1", h.ln_1), ("norm_2", h.ln_2)):
        w |= {f"blocks.{i}.{ours}.weight": theirs.weight, f"blocks.{i}.{ours}.bias": theirs.bias}
    for ours, theirs in (("qkv", h.attn.c_attn), ("out", h.attn.c_proj), ("up", h.mlp.c_fc), ("down", h.mlp.c_proj)):
        w |= {f"blocks.{i}.{ours}.weight": theirs.weight.T, f"blocks.{i}.{ours}.bias": theirs.bias}
keep("gpt2", w)
out["gpt2.logits"] = gpt(before).logits[..., :SYMBOLS].detach().contiguous()

llama = moved(LlamaForCausalLM(LlamaConfig(vocab_size=SYMBOLS + 1, hidden_size=WIDTH, intermediate_size=40,
                                           num_hidden_layers=LAYERS, num_attention_heads=4, num_key_value_heads=2,
                                           max_position_embeddings=12, rms_norm_eps=1e-5, rope_theta=500.0)))
w = {"table": llama.model.embed_tokens.weight, "norm.weight": llama.model.norm.weight,
     "head.weight": llama.lm_head.weight[:SYMBOLS]}
for i, h in enumerate(llama.model.layers):
    a = h.self_attn
    w |= {f"blocks.{i}.norm_1.weight": h.input_layernorm.weight, f"blocks.{i}.norm_2.weight": h.post_attention_layernorm.weight,
          f"blocks.{i}.qkv.weight": torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight]),
          f"blocks.{i}.out.weight": a.o_proj.weight, f"blocks.{i}.gate.weight": h.mlp.gate_proj.weight,
          f"blocks.{i}.up.weight": h.mlp.up_proj.weight, f"blocks.{i}.down.weight": h.mlp.down_proj.weight}
keep("llama", w)
out["llama.logits"] = llama(before).logits[..., :SYMBOLS].detach().contiguous()

table, lstm, head = torch.nn.Embedding(SYMBOLS + 1, 8), torch.nn.LSTM(8, WIDTH, LAYERS, batch_first=True), torch.nn.Linear(WIDTH, SYMBOLS)
names = {"table": table.weight, "head.weight": head.weight, "head.bias": head.bias}
names |= {f"lstm.{n}": p for n, p in lstm.named_parameters()}
keep("lstm", names)
logits = head(lstm(table(before))[0])
loss = F.cross_entropy(logits.flatten(0, 1), x.flatten())
loss.backward()
out |= {"lstm.logits": logits.detach().contiguous(), "lstm.loss": loss.detach()}
out |= {f"lstm.gradients.{n}": p.grad.clone().contiguous() for n, p in names.items()}
save_file(out, sys.argv[1] if len(sys.argv) > 1 else "tests/reference/data/sequences.safetensors",
          metadata={"torch": torch.__version__.split("+")[0]})
