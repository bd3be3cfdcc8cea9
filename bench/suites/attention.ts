import { attention } from "../../src/kernels/attention/attention.ts";
import { attentionGrad } from "../../src/kernels/attention/attentionGrad.ts";
import * as twin from "../../src/reference/attention.ts";
import { toleranceOf, type BenchCase, type CaseData, type Expected } from "../case.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";

/** Tokens and channels of the denoiser's two attention levels (preset qm9), and of a level above. */
const SHAPES: readonly (readonly [string, number, number])[] = [
  ["64x512", 64, 512],
  ["512x128", 512, 128],
  ["4096x64", 4096, 64],
];
/** The twin's time and memory grow with the square of the tokens. */
const MAX_TWIN_TOKENS = 512;

/** What a case attends over. */
export interface AttentionSpec {
  readonly suite: string;
  readonly name: string;
  readonly tokens: number;
  /** Of all heads. */
  readonly channels: number;
  /** 1 when left out. */
  readonly heads?: number;
  /** With a bias of each pair. */
  readonly biased?: true;
}

/** As a transformer on 256 tokens with a pair representation has it. */
const PAIRS: AttentionSpec = {
  suite: "attention",
  name: "attention/8x256x64/pairs",
  tokens: 256,
  channels: 8 * 64,
  heads: 8,
  biased: true,
};

export function attentionCases(): BenchCase[] {
  const specs = SHAPES.map(([label, tokens, channels]): AttentionSpec => {
    return { suite: "attention", name: `attention/${label}`, tokens, channels };
  });
  return [...specs, PAIRS].flatMap((spec) => [
    forward(spec, true),
    ...(spec.tokens <= MAX_TWIN_TOKENS ? [gradient(spec)] : []),
  ]);
}

function sizesOf({ tokens, channels, heads = 1, biased }: AttentionSpec) {
  const scale = (channels / heads) ** -0.5;
  const head = heads > 1 ? `, ${heads} heads` : "";
  return {
    ...{ heads, scale, attributes: { scale, heads } },
    text: `1 x ${tokens} tokens, ${channels} channels${head}${biased ? ", pair bias" : ""}`,
    bias: [1, heads, tokens, tokens],
    logSumExp: [1, heads, tokens],
    twinOf: { samples: 1, heads, tokens, channels: channels / heads, scale },
  };
}

/** The inputs of the forward pass. */
function inputsOf(spec: AttentionSpec): InputSpec<"qkv" | "pairBias">[] {
  const qkv = { name: "qkv", shape: [1, spec.tokens, 3 * spec.channels], spread: SPREAD } as const;
  return spec.biased ? [qkv, { name: "pairBias", shape: sizesOf(spec).bias }] : [qkv];
}

export function forward(spec: AttentionSpec, peers: boolean): BenchCase {
  const { suite, name, tokens, channels, biased } = spec;
  const { heads, scale, attributes, text, logSumExp } = sizesOf(spec);
  return graphCase({
    name,
    suite,
    shape: text,
    flops: 4 * tokens * tokens * channels + (biased ? 5 : 4) * heads * tokens * tokens,
    inputs: inputsOf(spec),
    outputs: [{ name: "y", shape: [1, tokens, channels] }],
    activations: ["qkv", "pairBias", "y"],
    tolerance: toleranceOf(Math.max(tokens, channels / heads)),
    ...(peers && { peers: { operation: "attention" as const, attributes } }),
    emit: (graph, { qkv, pairBias, y }) => {
      const kept = graph.scratch("logSumExp", logSumExp);
      attention(graph, { label: name, qkv, ...(biased && { pairBias }), heads, y, logSumExp: kept, scale });
    },
    expected: (data) => sampledRows(data, spec),
  });
}

/** Scores of a few units, so that the softmax is neither flat nor one token. */
const SPREAD = { scale: 2 };

function gradient(spec: AttentionSpec): BenchCase {
  const { suite, tokens, channels, biased } = spec;
  const { heads, scale, attributes, text, logSumExp, twinOf, bias } = sizesOf(spec);
  const name = `${spec.name}/grad`;
  const extrasOf = (data: CaseData) => ({ pairBias: data.get("pairBias") });
  const forwardOf = (data: CaseData) => twin.attention(twinOf, data.get("qkv")!, extrasOf(data));
  const y = [1, tokens, channels];
  const qkv = [1, tokens, 3 * channels];
  return graphCase({
    name,
    suite,
    shape: `${text}, gradient`,
    dataName: spec.name,
    flops: 10 * tokens * tokens * channels + 8 * heads * tokens * tokens,
    inputs: [
      ...inputsOf(spec),
      { name: "gradY", shape: y },
      { name: "y", shape: y, only: "ours", make: (data) => Float32Array.from(forwardOf(data).y) },
      {
        name: "logSumExp",
        shape: logSumExp,
        only: "ours",
        make: (data) => Float32Array.from(forwardOf(data).logSumExp),
      },
    ],
    outputs: [{ name: "gradQkv", shape: qkv }, ...(biased ? [{ name: "gradPairBias" as const, shape: bias }] : [])],
    activations: ["qkv", "pairBias", "y", "gradY", "gradQkv", "gradPairBias"],
    tolerance: toleranceOf(Math.max(tokens, channels / heads)),
    peers: { operation: "attentionGrad", attributes },
    emit: (graph, { pairBias, gradPairBias, ...t }) => {
      const pairs = biased ? { pairBias, gradPairBias } : {};
      attentionGrad(graph, { label: name, ...t, ...pairs, heads, scale });
    },
    expected: (data) => {
      const all = twin.attentionGrad(twinOf, data.get("qkv")!, data.get("gradY")!, extrasOf(data));
      return [
        { output: "gradQkv", values: all.gradQkv },
        ...(biased ? [{ output: "gradPairBias", values: all.gradPairBias }] : []),
      ];
    },
  });
}

const SAMPLED_QUERIES = 24;

/** A few queries in float64, of each head over all keys. */
function sampledRows(data: CaseData, spec: AttentionSpec): Expected[] {
  const { tokens, channels } = spec;
  const { heads, scale } = sizesOf(spec);
  const [qkv, pairBias] = [data.get("qkv")!, data.get("pairBias")];
  const width = channels / heads;
  const at = (token: number, part: number, head: number) => (token * 3 + part) * channels + head * width;
  const indices: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < SAMPLED_QUERIES * heads; i++) {
    const head = i % heads;
    const query = Math.round((Math.floor(i / heads) * (tokens - 1)) / (SAMPLED_QUERIES - 1));
    const scores = Float64Array.from({ length: tokens }, (_, key) => {
      let dot = 0;
      for (let c = 0; c < width; c++) dot += qkv[at(query, 0, head) + c]! * qkv[at(key, 1, head) + c]!;
      return scale * dot + (pairBias?.[(head * tokens + query) * tokens + key] ?? 0);
    });
    const top = scores.reduce((max, score) => Math.max(max, score), -Infinity);
    const weights = scores.map((score) => Math.exp(score - top));
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let c = 0; c < width; c++) {
      let y = 0;
      for (let key = 0; key < tokens; key++) y += (weights[key]! / sum) * qkv[at(key, 2, head) + c]!;
      indices.push(query * channels + head * width + c);
      values.push(y);
    }
  }
  return [{ output: "y", indices, values }];
}
