import { attention } from "../../src/kernels/attention/attention.ts";
import { attentionGrad } from "../../src/kernels/attention/attentionGrad.ts";
import * as twin from "../../src/reference/attention.ts";
import { toleranceOf, type BenchCase, type CaseData, type Expected } from "../case.ts";
import { graphCase } from "../graphCase.ts";

/** Tokens and channels of the denoiser's two attention levels (preset qm9), and of a level above. */
const SHAPES: readonly (readonly [string, number, number])[] = [
  ["64x512", 64, 512],
  ["512x128", 512, 128],
  ["4096x64", 4096, 64],
];
/** The twin's time and memory grow with the square of the tokens. */
const MAX_TWIN_TOKENS = 512;

export function attentionCases(): BenchCase[] {
  return SHAPES.flatMap(([label, tokens, channels]) => {
    const gradients =
      tokens <= MAX_TWIN_TOKENS ? [gradient("attention", `attention/${label}/grad`, tokens, channels)] : [];
    return [forward("attention", `attention/${label}`, tokens, channels, true), ...gradients];
  });
}

export function forward(suite: string, name: string, tokens: number, channels: number, peers: boolean): BenchCase {
  const scale = channels ** -0.5;
  const flops = 4 * tokens * tokens * channels + 4 * tokens * tokens;
  return graphCase({
    name,
    suite,
    shape: `1 x ${tokens} tokens, ${channels} channels`,
    flops,
    inputs: [{ name: "qkv", shape: [1, tokens, 3 * channels], spread: SPREAD }],
    outputs: [{ name: "y", shape: [1, tokens, channels] }],
    activations: ["qkv", "y"],
    tolerance: toleranceOf(Math.max(tokens, channels)),
    ...(peers && { peers: { operation: "attention" as const, attributes: { scale } } }),
    emit: (graph, t) => {
      const logSumExp = graph.scratch("logSumExp", [1, 1, tokens]);
      attention(graph, { label: name, qkv: t.qkv, y: t.y, logSumExp, scale });
    },
    expected: (data) => sampledRows(data, tokens, channels, scale),
  });
}

/** Scores of a few units, so that the softmax is neither flat nor one token. */
const SPREAD = { scale: 2 };

function gradient(suite: string, name: string, tokens: number, channels: number): BenchCase {
  const scale = channels ** -0.5;
  const twinOf = { samples: 1, tokens, channels, scale };
  const forwardOf = (data: CaseData) => twin.attention(twinOf, data.get("qkv")!);
  return graphCase({
    name,
    suite,
    shape: `1 x ${tokens} tokens, ${channels} channels, gradient`,
    dataName: name.split("/").slice(0, 2).join("/"),
    flops: 10 * tokens * tokens * channels + 8 * tokens * tokens,
    inputs: [
      { name: "qkv", shape: [1, tokens, 3 * channels], spread: SPREAD },
      { name: "gradY", shape: [1, tokens, channels] },
      {
        name: "y",
        shape: [1, tokens, channels],
        only: "ours",
        make: (data) => Float32Array.from(forwardOf(data).y),
      },
      {
        name: "logSumExp",
        shape: [1, 1, tokens],
        only: "ours",
        make: (data) => Float32Array.from(forwardOf(data).logSumExp),
      },
    ],
    outputs: [{ name: "gradQkv", shape: [1, tokens, 3 * channels] }],
    activations: ["qkv", "y", "gradY", "gradQkv"],
    tolerance: toleranceOf(Math.max(tokens, channels)),
    peers: { operation: "attentionGrad", attributes: { scale } },
    emit: (graph, t) => {
      const forward = { qkv: t.qkv, y: t.y, logSumExp: t.logSumExp };
      attentionGrad(graph, { label: name, ...forward, gradY: t.gradY, gradQkv: t.gradQkv, scale });
    },
    expected: (data) => [
      { output: "gradQkv", values: twin.attentionGrad(twinOf, data.get("qkv")!, data.get("gradY")!).gradQkv },
    ],
  });
}

const SAMPLED_QUERIES = 24;

/** A few queries in float64, each over all keys. */
function sampledRows(data: CaseData, tokens: number, channels: number, scale: number): Expected[] {
  const qkv = data.get("qkv")!;
  const at = (token: number, part: number) => (token * 3 + part) * channels;
  const indices: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < SAMPLED_QUERIES; i++) {
    const query = Math.round((i * (tokens - 1)) / (SAMPLED_QUERIES - 1));
    const scores = Float64Array.from({ length: tokens }, (_, key) => {
      let dot = 0;
      for (let c = 0; c < channels; c++) dot += qkv[at(query, 0) + c]! * qkv[at(key, 1) + c]!;
      return scale * dot;
    });
    const top = scores.reduce((max, score) => Math.max(max, score), -Infinity);
    const weights = scores.map((score) => Math.exp(score - top));
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let c = 0; c < channels; c++) {
      let y = 0;
      for (let key = 0; key < tokens; key++) y += (weights[key]! / sum) * qkv[at(key, 2) + c]!;
      indices.push(query * channels + c);
      values.push(y);
    }
  }
  return [{ output: "y", indices, values }];
}
