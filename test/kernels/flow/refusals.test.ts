import { expect, it } from "vitest";
import { Graph } from "../../../src/graph/graph.ts";
import { chainTokens } from "../../../src/kernels/flow/chainTokens.ts";
import { chainWindows } from "../../../src/kernels/flow/chainWindows.ts";
import { flowPath } from "../../../src/kernels/flow/flowPath.ts";
import { flowTimes } from "../../../src/kernels/flow/flowTimes.ts";
import { placeChains } from "../../../src/kernels/flow/placeChains.ts";
import { selfCondition } from "../../../src/kernels/flow/selfCondition.ts";
import { timeEmbedding } from "../../../src/kernels/flow/timeEmbedding.ts";
import { testGpu } from "../../harness.ts";

it("what makes the samples of flow matching refuses tensors that do not belong together", async () => {
  const graph = new Graph((await testGpu()).caps);
  const f32 = (...shape: number[]) => graph.scratch("f32", shape);
  const u32 = (...shape: number[]) => graph.scratch("u32", shape, "u32");
  const random = { label: "x", stream: 1, step: u32(8) };
  const [chosen, windows, poses] = [u32(2), u32(2, 2), f32(2, 12)];
  const [targets, residues, times] = [f32(2, 5, 3), f32(2, 5), f32(2)];

  const drawn = { ...random, offsets: u32(4), chosen, windows, places: 3 };
  expect(() => chainWindows(graph, { ...drawn, windows: u32(3, 2) })).toThrow(/'windows' must have shape \[4\]/);
  expect(() => chainWindows(graph, { ...drawn, offsets: f32(4) })).toThrow(/'offsets' must be u32/);
  expect(() => chainWindows(graph, { ...drawn, places: 0 })).toThrow(/x: places is 0/);

  const placed = { label: "x", positions: f32(9, 3), windows, poses, targets, residues, registers: 2 };
  expect(() => placeChains(graph, { ...placed, registers: 5 })).toThrow(/x: registers is 5/);
  expect(() => placeChains(graph, { ...placed, targets: f32(2, 5) })).toThrow(/targets must be \[b, S, 3\]/);
  expect(() => placeChains(graph, { ...placed, poses: f32(2, 9) })).toThrow(/'poses' must have shape \[2, 12\]/);

  const told = { label: "x", windows, breaks: f32(9), tokens: residues, placeFeatures: f32(2, 5, 5) };
  expect(() => chainTokens(graph, { ...told, placeTable: f32(6, 4) })).toThrow(/fewer tokens than places/);
  expect(() => chainTokens(graph, { ...told, placeTable: f32(3, 6) })).toThrow(/must have shape \[2, 5, 7\]/);

  const drawnTimes = { ...random, times, uniformShare: 0.02, alpha: 1.9 };
  expect(() => flowTimes(graph, { ...drawnTimes, alpha: 0 })).toThrow(/x: alpha is 0/);
  expect(() => flowTimes(graph, { ...drawnTimes, times: f32(2, 2) })).toThrow(/'times' must have shape \[4\]/);

  const embedded = { label: "x", times, frequencies: u32(4, 2), features: f32(3, 8) };
  expect(() => timeEmbedding(graph, { ...embedded, features: f32(2, 8) })).toThrow(
    /'features' must have shape \[3, 8\]/,
  );
  expect(() => timeEmbedding(graph, { ...embedded, frequencies: u32(8) })).toThrow(/must be \[n, 2\]/);

  const path = { ...random, targets, residues, times, x: f32(2, 5, 3), registers: 2 };
  expect(() => flowPath(graph, { ...path, registers: -1 })).toThrow(/x: registers is -1/);
  expect(() => flowPath(graph, { ...path, x: f32(2, 4, 3) })).toThrow(/shapes must be equal/);

  const coin = { ...random, endpoints: targets, previous: f32(2, 5, 3), present: f32(1), probability: 0.5 };
  expect(() => selfCondition(graph, { ...coin, present: f32(2) })).toThrow(/'present' must have shape \[1\]/);
  expect(() => selfCondition(graph, { ...coin, previous: f32(2, 4, 3) })).toThrow(/shapes must be equal/);
  expect(graph.commands).toEqual([]);
});
