#!/usr/bin/env python3
"""Writes tests/reference/data/unet_small.safetensors: a small diffusers UNet2DModel, one batch, and
what one training step of PyTorch makes of them. Needs torch, diffusers and safetensors.

usage: tools/make_unet_fixture.py [OUT]"""
import sys

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DModel
from safetensors.torch import save_file

torch.manual_seed(1)
net = UNet2DModel(sample_size=8, in_channels=1, out_channels=1, layers_per_block=1,
                  block_out_channels=(4, 8, 8), norm_num_groups=2, attention_head_dim=4,
                  down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
                  up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"))
with torch.no_grad():  # gains of 1 and shifts of 0 would hide a mistake
    for name, p in net.named_parameters():
        if "norm" in name:
            p.add_(0.3 * torch.randn_like(p))

x, noise = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
t = torch.tensor([3, 250, 601, 999])
out = {f"weights.{n}": p.detach().clone() for n, p in net.named_parameters()}
out |= {"x": x, "noise": noise, "t": t}

noisy = DDPMScheduler(1000).add_noise(x, noise, t)
answer = net(noisy, t).sample
loss = F.mse_loss(answer, noise)
optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)
loss.backward()
out |= {"noisy": noisy, "answer": answer.detach(), "loss": loss.detach()}
out |= {f"gradients.{n}": p.grad.clone() for n, p in net.named_parameters()}
optimiser.step()
out |= {f"stepped.{n}": p.detach().clone() for n, p in net.named_parameters()}
save_file({k: v.contiguous() for k, v in out.items()},
          sys.argv[1] if len(sys.argv) > 1 else "tests/reference/data/unet_small.safetensors",
          metadata={"torch": torch.__version__.split("+")[0]})
