"""One forward pass through the embeddings and a single block of FLUX.1 or Wan2.1, in float32.

Written from the published models' equations (black-forest-labs/flux, src/flux/modules/layers.py;
Wan-Video/Wan2.1, wan/modules/model.py), not from this project's C++, under this project's names.
Reads weights, text, pooled text and latents from one safetensors file and writes x after the block
to another.
"""
import argparse
import json
import math
import struct

import torch
from torch.nn.functional import gelu, layer_norm, linear, silu


def read(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    length = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8 : 8 + length].decode())
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(data[begin:end], dtype=torch.float32)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def write(path, name, tensor):
    data = struct.pack(f"<{tensor.numel()}f", *tensor.flatten().tolist())
    entry = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [0, len(data)]}
    header = json.dumps({name: entry}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)


class Model:
    def __init__(self, args, tensors):
        self.args, self.tensors = args, tensors
        self.hidden = tensors["latent_in.weight"].shape[0]
        self.text_rows = 0

    def linear(self, name, x):
        return linear(x, self.tensors[name + ".weight"], self.tensors[name + ".bias"])

    def mlp(self, name, x, activation):
        return self.linear(name + ".out", activation(self.linear(name + ".in", x)))

    def gelu_mlp(self, name, x):
        return self.mlp(name, x, lambda y: gelu(y, approximate="tanh"))

    def norm(self, x):
        return layer_norm(x, (self.hidden,), eps=1e-6)

    def rms_norm(self, x, gain):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * gain

    def time(self):
        half = self.args.time_features // 2
        frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float64) / half)
        angles = 1000 * self.args.sigma * frequencies
        features = torch.cat([angles.cos(), angles.sin()]).float()
        return self.mlp("time_in", features, silu)

    def rotations(self):
        """A complex number of length 1 for each token and pair of a head."""
        frames, rows, columns = self.args.grid
        positions = torch.cartesian_prod(*(torch.arange(n) for n in (frames, rows, columns)))
        text = torch.zeros(self.text_rows, 3, dtype=positions.dtype)
        positions = torch.cat([text, positions]).double()
        angles = []
        for axis, width in enumerate(self.args.axes):
            pairs = torch.arange(0, width, 2, dtype=torch.float64)
            angles.append(torch.outer(positions[:, axis], 10000 ** (-pairs / width)))
        angles = torch.cat(angles, dim=1)
        return torch.polar(torch.ones_like(angles), angles)

    def rotate(self, x):
        pairs = torch.view_as_complex(x.double().reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(pairs * self.rotations()[:, None]).flatten(-2).float()

    def heads(self, x):
        return x.reshape(x.shape[0], self.args.heads, -1)

    def attention(self, q, k, v):
        scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(q.shape[-1])
        return torch.einsum("hqk,khd->qhd", scores.softmax(-1), v).flatten(1)

    def projections(self, name, x, each_head):
        q, k, v = self.linear(name, x).chunk(3, dim=-1)
        gains = self.tensors[name + ".query_gain"], self.tensors[name + ".key_gain"]
        if each_head:
            q, k = (self.rms_norm(self.heads(y), gain) for y, gain in zip((q, k), gains))
        else:
            q, k = (self.heads(self.rms_norm(y, gain)) for y, gain in zip((q, k), gains))
        return q, k, self.heads(v)

    def attend(self, projections):
        q, k, v = (torch.cat(parts) for parts in zip(*projections))
        return self.attention(self.rotate(q), self.rotate(k), v)

    def modulated(self, x, shift, scale):
        return self.norm(x) * (1 + scale) + shift


class Flux(Model):
    def start(self):
        text, latents = self.tensors["text"], self.tensors["latents"]
        self.text_rows = text.shape[0]
        pooled = self.mlp("pooled_in", self.tensors["pooled"], silu)
        self.steering = silu(self.time() + pooled)
        return self.linear("text_in", text), self.linear("latent_in", latents)

    def double_block(self):
        streams = dict(zip(("text", "latents"), self.start()))
        modulation, projections = {}, []
        for stream, x in streams.items():
            name = "double_blocks.0." + stream
            modulation[stream] = self.linear(name + ".modulation", self.steering).chunk(6)
            normed = self.modulated(x, *modulation[stream][:2])
            projections.append(self.projections(name + ".qkv", normed, each_head=True))
        attended = self.attend(projections)
        parts = attended[: self.text_rows], attended[self.text_rows :]
        for (stream, x), own in zip(list(streams.items()), parts):
            name = "double_blocks.0." + stream
            _, _, gate, shift, scale, mlp_gate = modulation[stream]
            x = x + gate * self.linear(name + ".attention_out", own)
            x = x + mlp_gate * self.gelu_mlp(name + ".mlp", self.modulated(x, shift, scale))
            streams[stream] = x
        return torch.cat(list(streams.values()))

    def single_block(self):
        name, x = "single_blocks.0", torch.cat(self.start())
        shift, scale, gate = self.linear(name + ".modulation", self.steering).chunk(3)
        normed = self.modulated(x, shift, scale)
        attended = self.attend([self.projections(name + ".qkv", normed, each_head=True)])
        inner = gelu(self.linear(name + ".mlp_in", normed), approximate="tanh")
        return x + gate * self.linear(name + ".out", torch.cat([attended, inner], dim=-1))


class Wan(Model):
    def block(self):
        name, x = "blocks.0", self.linear("latent_in", self.tensors["latents"])
        context = gelu(self.linear("text_in", self.tensors["text"]), approximate="tanh")
        context = self.linear("text_out", context)
        shared = self.linear("modulation", silu(self.time()))
        vectors = (self.tensors[name + ".modulation"] + shared).chunk(6)
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = vectors

        normed = self.modulated(x, shift, scale)
        attended = self.attend([self.projections(name + ".qkv", normed, each_head=False)])
        x = x + gate * self.linear(name + ".attention_out", attended)

        gain, offset = self.tensors[name + ".text_norm.gain"], self.tensors[name + ".text_norm.offset"]
        x = x + self.to_text(name + ".text_attention", self.norm(x) * gain + offset, context)
        normed = self.modulated(x, mlp_shift, mlp_scale)
        return x + mlp_gate * self.gelu_mlp(name + ".mlp", normed)

    def to_text(self, name, x, context):
        q = self.rms_norm(self.linear(name + ".query", x), self.tensors[name + ".query_gain"])
        k = self.rms_norm(self.linear(name + ".key", context), self.tensors[name + ".key_gain"])
        v = self.linear(name + ".value", context)
        return self.linear(name + ".out", self.attention(*(self.heads(y) for y in (q, k, v))))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("block", choices=["Double", "Single", "Cross"])
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--heads", type=int, required=True)
    parser.add_argument("--sigma", type=float, required=True)
    parser.add_argument("--time-features", type=int, required=True)
    parser.add_argument("--grid", type=int, nargs=3, required=True)
    parser.add_argument("--axes", type=int, nargs=3, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    tensors = read(args.input)
    if args.block == "Double":
        x = Flux(args, tensors).double_block()
    elif args.block == "Single":
        x = Flux(args, tensors).single_block()
    else:
        x = Wan(args, tensors).block()
    write(args.output, "x", x)


if __name__ == "__main__":
    main()
