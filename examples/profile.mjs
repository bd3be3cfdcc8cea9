// Where does the time of a plan go? Profiles two convolutions with a group norm between them.
import { Graph, operations, Plan, profileGroups } from "voxtwirl";
import { openGpu } from "voxtwirl/node";

const gpu = await openGpu();
const graph = new Graph(gpu.caps);
const tensor = (label, shape) => {
  const count = shape.reduce((product, n) => product * n, 1);
  return graph.external(label, shape, gpu.upload(label, new Float32Array(count).fill(0.1)));
};
const x = tensor("x", [1, 16, 16, 16, 8]); // [N, D, H, W, C]: channels last
const first = { x, weight: tensor("weight 1", [3, 3, 3, 8, 16]), stride: 1, padding: 1 };
const a = operations.conv3d(graph, { label: "first/conv", ...first });
const norm = { x: a, gamma: tensor("gamma", [16]), beta: tensor("beta", [16]), groups: 4, silu: true };
const b = operations.groupNorm(graph, { label: "norm", ...norm });
const second = { x: b, weight: tensor("weight 2", [3, 3, 3, 16, 8]), stride: 1, padding: 1 };
graph.keep(operations.conv3d(graph, { label: "second/conv", ...second }));
const plan = await Plan.create(gpu, graph, { label: "example" });

// Runs the plan 1 + 2 * repeats times. renderProfile() makes a page of it, profileTrace() a trace for Perfetto.
const profile = await plan.profile({ repeats: 5 });
console.log(`${profile.adapter}: ${(profile.gpu.spanNs / 1e6).toFixed(3)} ms, ${plan.dispatchCount} dispatches`);
for (const { name, ns, flops } of profileGroups(profile.dispatches, "layer")) {
  console.log(`${name.padEnd(12)} ${(ns / 1e3).toFixed(1)} us, ${(flops / ns).toFixed(1)} GFLOP/s`);
}
plan.destroy();
gpu.destroy();
