"""PyTorch's side of `bench train`: reads the task and then orders from stdin, a line of JSON each, and answers with a line each. See pytorch.ts."""

import json
import sys
import time

import torch
from torch import nn

task = json.loads(sys.stdin.readline())
size = task["size"]
C, V, T = size["C"], size["V"], size["T"]
torch.set_num_threads(task["threads"])


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(V, C)
        self.target = nn.Embedding(V, C)
        self.transformer = nn.Transformer(C, size["H"], size["L"], size["L"], size["F"], dropout=0.0, batch_first=True)
        self.out = nn.Linear(C, V)
        self.causal = nn.Transformer.generate_square_subsequent_mask(T)

    def forward(self, source, target):
        x = self.transformer(self.source(source), self.target(target), tgt_mask=self.causal, tgt_is_causal=True)
        return self.out(x)


def numbers(path, dtype):
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=dtype)


model = Translator()
flat, at, state = numbers(task["weights"], torch.float32), 0, {}
for name, dims in task["names"]:
    count = torch.Size(dims).numel()
    state[name] = flat[at : at + count].reshape(dims)
    at += count
model.load_state_dict(state)
source, target, following = numbers(task["batch"], torch.int32).long().reshape(3, size["B"], T)
optimizer = torch.optim.AdamW(model.parameters(), lr=task["lr"])


def step():
    loss = nn.functional.cross_entropy(model(source, target).view(-1, V), following.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def answer(value):
    print(json.dumps(value), flush=True)


answer({"version": torch.__version__, "simd": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads()})
for _ in sys.stdin:
    before = time.process_time()
    loss = step()
    answer({"loss": loss, "cpu": (time.process_time() - before) * 1e3})
