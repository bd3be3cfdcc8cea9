import { philox4x32, uniformFromBits } from "../kernels/philox.ts";
import { centre, type FlowCase } from "./flow.ts";
import type { RandomStep } from "./noise.ts";
import { normalsFromBits } from "./random.ts";
import { mapped, stepOf, twin, type Twins } from "./twin.ts";

type Numbers = ArrayLike<number>;

/** Twin of shaders/flow/chainWindows.wgsl. */
export function chainWindows(
  { places, stream }: { readonly places: number; readonly stream: number },
  { offsets, chosen }: { readonly offsets: Numbers; readonly chosen: Numbers },
  { seedLo, seedHi, step, sample }: RandomStep,
): number[] {
  return Array.from(chosen).flatMap((chain, b) => {
    const [first, next] = [offsets[chain]!, offsets[chain + 1]!];
    const length = Math.min(next - first, places);
    const uniform = uniformFromBits(philox4x32([0, stream, step, sample + b], [seedLo, seedHi])[0]);
    return [first + Math.floor(uniform * (next - first - length + 1)), length];
  });
}

/** Windows of chains in a padded batch. */
interface ChainCase {
  readonly chains: number;
  readonly places: number;
  readonly registers: number;
}

/** The batch's tokens that are residues, each with its chain, place in the window and row. */
function* residuesOf({ chains, places, registers }: ChainCase, windows: Numbers) {
  for (let chain = 0; chain < chains; chain++) {
    const [first, length] = [windows[2 * chain]!, windows[2 * chain + 1]!];
    for (let i = 0; i < length; i++) {
      yield { chain, length, i, row: first + i, token: chain * (registers + places) + registers + i };
    }
  }
}

/** Twin of shaders/flow/placeChains.wgsl in float64. */
export function placeChains(
  shape: ChainCase,
  {
    positions,
    windows,
    poses,
    axes,
  }: {
    readonly positions: Numbers;
    readonly windows: Numbers;
    readonly poses: Numbers;
    readonly axes?: Numbers | undefined;
  },
) {
  const tokens = shape.chains * (shape.registers + shape.places);
  const [targets, residues] = [new Float64Array(3 * tokens), new Float64Array(tokens)];
  const means = new Float64Array(3 * shape.chains);
  for (const { chain, length, row } of residuesOf(shape, windows)) {
    for (let a = 0; a < 3; a++) means[3 * chain + a]! += positions[3 * row + a]! / length;
  }
  for (const { chain, row, token } of residuesOf(shape, windows)) {
    residues[token] = 1;
    const lying = [0, 1, 2].map((k) => positions[3 * row + k]! - means[3 * chain + k]!);
    const along = (k: number) =>
      [0, 1, 2].reduce((sum, j) => sum + axes![9 * windows[2 * chain]! + 3 * k + j]! * lying[j]!, 0);
    const place = axes ? [0, 1, 2].map(along) : lying;
    for (let a = 0; a < 3; a++) {
      for (let k = 0; k < 3; k++) targets[3 * token + a]! += poses[12 * chain + 3 * a + k]! * place[k]!;
    }
  }
  return { targets, residues };
}

/** Twin of shaders/flow/chainTokens.wgsl. */
export function chainTokens(
  shape: ChainCase,
  {
    windows,
    breaks,
    placeTable,
  }: { readonly windows: Numbers; readonly breaks: Numbers; readonly placeTable: Numbers },
) {
  const { chains, places, registers } = shape;
  const [side, embedded] = [registers + places, placeTable.length / places];
  const tokens = Float64Array.from({ length: chains * side }, (_, at) => (at % side < registers ? 1 : 0));
  const placeFeatures = new Float64Array(chains * side * (embedded + 1));
  for (const { length, i, row, token } of residuesOf(shape, windows)) {
    tokens[token] = 1;
    const embedding = Array.from(placeTable).slice(i * embedded, (i + 1) * embedded);
    placeFeatures.set([...embedding, i + 1 < length ? breaks[row]! : 0], token * (embedded + 1));
  }
  return { tokens, placeFeatures };
}

/** Twin of shaders/flow/flowTimes.wgsl in float64. */
export function flowTimes(
  { chains, uniformShare, alpha, stream }: FlowTimesCase,
  { seedLo, seedHi, step, sample }: RandomStep,
): Float64Array {
  return Float64Array.from({ length: chains }, (_, b) => {
    const bits = philox4x32([0, stream, step, sample + b], [seedLo, seedHi]);
    const [coin, uniform] = [uniformFromBits(bits[0]), uniformFromBits(bits[1])];
    return coin < uniformShare ? uniform : uniform ** (1 / alpha);
  });
}

interface FlowTimesCase {
  readonly chains: number;
  readonly uniformShare: number;
  readonly alpha: number;
  readonly stream: number;
}

/** Twin of shaders/flow/timeEmbedding.wgsl in float64. */
export function timeEmbedding(times: Numbers, frequencies: Numbers): Float64Array {
  const half = frequencies.length / 2;
  const features = new Float64Array(2 * half * (times.length + 1));
  for (let b = 0; b < times.length; b++) {
    for (let k = 0; k < half; k++) {
      const angle = Math.PI * times[b]! * (frequencies[2 * k]! + frequencies[2 * k + 1]! / 2 ** 32);
      features[2 * b * half + k] = Math.sin(angle);
      features[(2 * b + 1) * half + k] = Math.cos(angle);
    }
  }
  return features;
}

/** Twin of shaders/flow/flowPath.wgsl in float64. */
export function flowPath(
  { chains, side, registers, stream }: FlowCase & { readonly registers: number; readonly stream: number },
  { targets, residues, times }: { readonly targets: Numbers; readonly residues: Numbers; readonly times: Numbers },
  { seedLo, seedHi, step, sample }: RandomStep,
): Float64Array {
  const noise = new Float64Array(3 * chains * side);
  for (let at = 0; at < chains * side; at++) {
    const counter = [(at % side) - registers, stream, step, sample + Math.floor(at / side)];
    noise.set(normalsFromBits(philox4x32(counter, [seedLo, seedHi])).slice(0, 3), 3 * at);
  }
  return centre({ chains, side }, noise, residues).map((start, at) => {
    const t = times[Math.floor(at / (3 * side))]!;
    return residues[Math.floor(at / 3)] === 0 ? 0 : (1 - t) * start + t * targets[at]!;
  });
}

/** Twin of shaders/flow/selfCondition.wgsl. */
export function selfCondition(
  { probability, stream }: { readonly probability: number; readonly stream: number },
  endpoints: Numbers,
  { seedLo, seedHi, step }: Omit<RandomStep, "sample">,
) {
  const uniform = uniformFromBits(philox4x32([0, stream, step, 0], [seedLo, seedHi])[0]);
  const present = uniform < probability;
  return { previous: mapped(endpoints, (x) => (present ? x : 0)), present: [present ? 1 : 0] };
}

export const twins: Twins = {
  chainWindows: twin<"step" | "offsets" | "chosen", "places">(({ step, ...chains }, { places }) => ({
    windows: chainWindows({ places, stream: 6 }, chains, stepOf(step)),
  })),
  chainTokens: twin<"windows" | "breaks" | "placeTable", keyof ChainCase>((tensors, shape) =>
    chainTokens(shape, tensors),
  ),
  flowPath: twin<"step" | "targets" | "residues" | "times", keyof FlowCase>(({ step, ...chains }, shape) => ({
    x: flowPath({ ...shape, registers: 0, stream: 8 }, chains, stepOf(step)),
  })),
  flowTimes: twin<"step", "chains">(({ step }, { chains }) => ({
    times: flowTimes({ chains, uniformShare: 0.25, alpha: 1.9, stream: 7 }, stepOf(step)),
  })),
  placeChains: twin<"positions" | "windows" | "poses" | "axes", keyof ChainCase>((tensors, shape) =>
    placeChains(shape, tensors),
  ),
  selfCondition: twin<"step" | "endpoints", "present">(({ step, endpoints }, { present }) =>
    selfCondition({ probability: present, stream: 9 }, endpoints, stepOf(step)),
  ),
  timeEmbedding: twin<"times" | "frequencies", never>(({ times, frequencies }) => ({
    features: timeEmbedding(times, frequencies),
  })),
};
