"""Precisions in which the encoders are measured."""

import torch

DTYPES = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
PRECISIONS = ["fp32", "bf16"]
