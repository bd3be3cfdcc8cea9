import { expect, it } from "vitest";
import { haarRotation } from "../../../src/equivariance/rotations.ts";
import { chainTokens } from "../../../src/kernels/flow/chainTokens.ts";
import { placeChains } from "../../../src/kernels/flow/placeChains.ts";
import { chainArrays, placeTable } from "../../../src/models/flowInputs.ts";
import { makeChain } from "../../../src/proteins/chain.ts";
import { packChains, packCrops } from "../../../src/proteins/packing.ts";
import { Random } from "../../../src/random.ts";
import { expectClose, runKernels, testGpu } from "../../harness.ts";

const config = {
  ...{ hidden: 8, layers: 1, heads: 1, conditioning: 4, pair: 4 },
  ...{ timeEmbedding: 4, indexEmbedding: 6, registers: 2 },
};
const places = 20;
const side = config.registers + places;

/** A straight chain far from the origin that breaks behind every fifth residue. */
const straight = (residues: number) =>
  makeChain({
    positions: Float64Array.from({ length: 3 * residues }, (_, at) => {
      const i = Math.floor(at / 3);
      return at % 3 === 0 ? 100 + 3.8 * i + 2 * Math.floor(i / 5) : Math.sin(at);
    }),
  });
const chains = [straight(30), straight(7), straight(20)];
// Of the first chain one that ends at a break, then whole ones.
const crops = [
  { chain: chains[0]!, start: 5, length: 20 },
  { chain: chains[1]!, start: 0, length: 7 },
  { chain: chains[2]!, start: 0, length: 20 },
];

it("makes the batch that packCrops and chainArrays make, turned", async () => {
  const packed = packChains(chains);
  const random = new Random(3);
  const rotations = crops.map(() => haarRotation(random));
  const windows = crops.flatMap(({ start, length }, b) => [packed.offsets[b]! + start, length]);
  const found = await runKernels(
    await testGpu(),
    {
      positions: { shape: [packed.breaks.length, 3], data: packed.positions },
      breaks: { shape: [packed.breaks.length], data: packed.breaks },
      windows: { shape: [3, 2], data: Uint32Array.from(windows) },
      poses: { shape: [3, 12], data: Float32Array.from(rotations.flatMap((r) => [...r, 7, 8, 9])) },
      table: { shape: [places, 6], data: placeTable(config, places) },
    },
    {
      targets: { shape: [3, side, 3] },
      residues: { shape: [3, side] },
      tokens: { shape: [3, side] },
      placeFeatures: { shape: [3, side, 7] },
    },
    (ctx, { positions, breaks, windows, poses, table, targets, residues, tokens, placeFeatures }) => {
      const { registers } = config;
      placeChains(ctx, { label: "chains", positions, windows, poses, targets, residues, registers });
      chainTokens(ctx, { label: "tokens", windows, breaks, placeTable: table, tokens, placeFeatures });
    },
  );
  const wanted = packCrops(crops, places);
  const arrays = chainArrays(config, {
    lengths: crops.map(({ length }) => length),
    places,
    breaks: crops.map((_, b) =>
      Array.from({ length: places }, (_, i) => i).filter((i) => wanted.breaks[b * places + i]),
    ),
  });
  expect(found.residues).toEqual(arrays.residues);
  expect(found.tokens).toEqual(arrays.tokens);
  expect(found.placeFeatures).toEqual(arrays.placeFeatures);
  const turned = Float64Array.from(found.targets, (_, at) => {
    const [b, token, axis] = [Math.floor(at / (3 * side)), Math.floor(at / 3) % side, at % 3];
    const from = 3 * (b * places + token - config.registers);
    if (token < config.registers) return 0;
    return [0, 1, 2].reduce((sum, k) => sum + rotations[b]![3 * axis + k]! * wanted.positions[from + k]!, 0);
  });
  expectClose(found.targets, turned, 2e-6);
  expect(Math.max(...arrays.placeFeatures.filter((_, at) => at % 7 === 6))).toBe(1);
});
