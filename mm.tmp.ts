import { openGpu } from "./src/node/openGpu.ts";
import { Graph } from "./src/graph/graph.ts";
import { Plan } from "./src/graph/plan.ts";
import { product } from "./src/kernels/attention/attentionProduct.ts";
import { attentionGradVariants } from "./src/kernels/attention/attentionVariants.ts";
import { linear, linearGradInput, linearGradWeight } from "./src/kernels/conv3d/linear.ts";
const gpu = await openGpu({ adapter: "llvmpipe", hideWarnings: true, tuning: "none" });
const shapes = [[6720, 64, 64], [6720, 64, 192], [6720, 128, 64], [1152, 64, 64], [144, 64, 64], [512, 512, 512], [4096, 128, 512]];
async function time(emit: (g: Graph) => void) {
  const g = new Graph(gpu.caps);
  emit(g);
  const plan = await Plan.create(gpu, g, { label: "t" });
  plan.run(); await gpu.finish();
  let best = Infinity;
  for (let i = 0; i < 12; i++) { const t = performance.now(); plan.run(); await gpu.finish(); best = Math.min(best, performance.now() - t); }
  plan.destroy();
  return best;
}
const R = 4;
for (const [m, k, n] of shapes as [number, number, number][]) {
  const x = gpu.upload("x", Float32Array.from({ length: m * k }, () => Math.random()));
  const w = gpu.upload("w", Float32Array.from({ length: n * k }, () => Math.random()));
  const row: string[] = [];
  const gf = (ms: number) => (2 * m * k * n * R / ms / 1e6).toFixed(1);
  row.push("linear " + gf(await time((g) => { const a = g.external("x", [m, k], x), b = g.external("w", [k, n], w); for (let i = 0; i < R; i++) { linear(g, { label: "l", x: a, weight: b, y: g.keep(g.scratch("y", [m, n])) }); } })));
  row.push("gradX " + gf(await time((g) => { const a = g.scratch("x", [m, n]), b = g.external("w", [k, n], w); for (let i = 0; i < R; i++) { linearGradInput(g, { label: "l", gradY: a, weight: b, gradX: g.keep(g.scratch("y", [m, k])) }); } })));
  row.push("gradW " + gf(await time((g) => { const a = g.external("x", [m, k], x), b = g.scratch("gy", [m, n]); for (let i = 0; i < R; i++) { linearGradWeight(g, { label: "l", x: a, gradY: b, gradWeight: g.keep(g.scratch("gw", [k, n])) }); } })));
  for (const v of attentionGradVariants.of(gpu.caps, { samples: 1, tokens: m, channels: k }, "f32").filter(({ name }) => /panel/.test(name))) {
    row.push(v.name + " " + gf(await time((g) => { const a = g.external("x", [m, k], x), b = g.external("w", [k, n], w);
      for (let i = 0; i < R; i++) product(g, { label: "p", tiles: v, samples: 1, rows: m, columns: n, depth: k, a: { tensor: a, offset: 0, sample: m * k, row: k, column: 1 }, b: { tensor: b, offset: 0, sample: 0, row: n, column: 1 }, out: { tensor: g.keep(g.scratch("y", [m, n])), offset: 0, sample: m * n, row: n, column: 1 } }); })));
    row.push("T" + v.name + " " + gf(await time((g) => { const a = g.external("x", [m, k], x), b = g.external("w", [n, k], w);
      for (let i = 0; i < R; i++) product(g, { label: "p", tiles: v, samples: 1, rows: m, columns: n, depth: k, a: { tensor: a, offset: 0, sample: m * k, row: k, column: 1 }, b: { tensor: b, offset: 0, sample: 0, row: 1, column: k }, out: { tensor: g.keep(g.scratch("y", [m, n])), offset: 0, sample: m * n, row: n, column: 1 } }); })));
  }
  console.log(m, k, n, row.join(" | "));
}
gpu.destroy();
