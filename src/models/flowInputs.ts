import { requireArray, requireNumbers, requireObject, requireTensor, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatShape, type Tensor } from "../gpu/tensor.ts";
import { placeNumbers, type FlowNetConfig } from "./flowNetLayout.ts";

/** What a batch's chains are, but for coordinates and times. */
export interface ChainBatch {
  /** Residues of each chain. */
  readonly lengths: readonly number[];
  /** Residues that every chain has room for. */
  readonly places: number;
  /** Of each chain the residues, counted from 0, behind which it breaks; none when left out. */
  readonly breaks?: readonly (readonly number[])[];
}

/** What `flowNet` takes of them: see `FlowInputs`. */
export interface ChainArrays {
  readonly residues: Float32Array<ArrayBuffer>;
  readonly tokens: Float32Array<ArrayBuffer>;
  readonly chains: Float32Array<ArrayBuffer>;
  readonly registerRows: Uint32Array<ArrayBuffer>;
  readonly placeFeatures: Float32Array<ArrayBuffer>;
}

/**
 * Masks, places and breaks of chains as `flowNet` takes them: S tokens of each, the registers first.
 *
 * @throws VoxtwirlError "bad-option" for chains that are empty or do not fit
 */
export function chainArrays(config: FlowNetConfig, batch: ChainBatch): ChainArrays {
  requireObject("config", config, "Give a network's configuration.");
  requireObject("batch", batch, "Give { lengths, places }.");
  const { lengths, places, breaks = [] } = batch;
  requireArray("lengths", lengths, "Give the number of residues of each chain.");
  requireWhole("places", places, 1, MOST_PLACES);
  for (const length of lengths) requireWhole("the length of a chain", length, 1, places);
  const { registers, indexEmbedding } = config;
  const side = registers + places;
  const width = placeNumbers(config);
  const all = lengths.length * side;
  const residues = new Float32Array(all);
  const tokens = new Float32Array(all);
  const registerRows = new Uint32Array(all).fill(NO_REGISTER);
  const placeFeatures = new Float32Array(all * width);
  const table = placeTable(config, places);
  lengths.forEach((length, b) => {
    const first = b * side + registers;
    for (let r = 0; r < registers; r++) registerRows[b * side + r] = r;
    tokens.fill(1, b * side, first + length);
    residues.fill(1, first, first + length);
    for (let i = 0; i < length; i++) {
      const embedding = table.subarray(i * indexEmbedding, (i + 1) * indexEmbedding);
      placeFeatures.set(embedding, (first + i) * width);
    }
    for (const i of breaks[b] ?? []) placeFeatures[(first + i) * width + indexEmbedding] = 1;
  });
  const chains = Float32Array.from([...lengths.map(() => 1), 0]);
  return { residues, tokens, chains, registerRows, placeFeatures };
}

/** A row that no table has. */
const NO_REGISTER = 0xffffffff;
const MOST_PLACES = 2 ** 16;
const LONGEST = 2056;
const TIME_SCALE = 2000;

/**
 * The embeddings of a chain's places, [places, indexEmbedding], as `chainTokens` takes them: sin(pi i / 2056^(2k/I)),
 * k = 0 .. I/2 - 1, then the cosines, for i from 1.
 *
 * @throws VoxtwirlError "bad-option"
 */
export function placeTable(config: FlowNetConfig, places: number): Float32Array<ArrayBuffer> {
  requireObject("config", config, "Give a network's configuration.");
  requireWhole("places", places, 1, MOST_PLACES);
  const { indexEmbedding } = config;
  const rows = Array.from({ length: places }, (_, row) => {
    const angleOf = (k: number) => (Math.PI * (row + 1)) / LONGEST ** ((2 * k) / indexEmbedding);
    const angles = Array.from({ length: indexEmbedding / 2 }, (_, k) => angleOf(k));
    return [...angles.map(Math.sin), ...angles.map(Math.cos)];
  });
  return Float32Array.from(rows.flat());
}

/**
 * The times of b chains as `flowNet` takes them, [b + 1, timeEmbedding]: sin(a_k) and cos(a_k) of a_k = 2000 t
 * 2000^(-k / (n - 1)), k = 0 .. n - 1, n half of the numbers; the last row, which is of no chain, is 0.
 *
 * @throws VoxtwirlError "bad-option" for times outside [0, 1]
 */
export function timeFeatures(config: FlowNetConfig, times: ArrayLike<number>): Float32Array<ArrayBuffer> {
  requireObject("config", config, "Give a network's configuration.");
  requireNumbers("times", times);
  const half = config.timeEmbedding / 2;
  const rows = Array.from(times, (t) => {
    if (!(t >= 0 && t <= 1)) throw new VoxtwirlError("bad-option", `a time is ${t}`, "Give times in [0, 1].");
    const angles = Array.from({ length: half }, (_, k) => TIME_SCALE * t * TIME_SCALE ** (-k / (half - 1)));
    return [...angles.map(Math.sin), ...angles.map(Math.cos)];
  });
  return Float32Array.from([...rows.flat(), ...new Array<number>(config.timeEmbedding).fill(0)]);
}

/**
 * Where coordinates are of several copies of each chain, those of which the pairs are have to be given.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function requirePairs(inputs: {
  readonly x: Tensor;
  readonly previous?: Tensor | undefined;
  readonly pairX?: Tensor | undefined;
  readonly pairPrevious?: Tensor | undefined;
  readonly residues: Tensor;
}): void {
  const { x, previous, pairX, pairPrevious, residues } = inputs;
  requireTensor("x", x);
  requireTensor("residues", residues);
  if (x.shape[0] === residues.shape[0] || (pairX && (!previous || pairPrevious))) return;
  throw new VoxtwirlError(
    "bad-shape",
    `x is ${formatShape(x.shape)}, residues ${formatShape(residues.shape)}, and of these chains there is no ` +
      (pairX ? "pairPrevious" : "pairX"),
    "Give both as many chains; or, where x and previous are copies, one copy of each chain as pairX and pairPrevious.",
  );
}
