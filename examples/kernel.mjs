// One kernel on its own: SiLU, y = x / (1 + exp(-x)), of four numbers.
import { Graph, kernels, Plan } from "voxtwirl";
import { openGpu } from "voxtwirl/node";

// In a browser: await Gpu.open(await navigator.gpu?.requestAdapter())
const gpu = await openGpu();

// A graph says what is to be done, and on which tensors; nothing runs yet.
const graph = new Graph(gpu.caps);
const x = graph.external("x", [4], gpu.upload("x", Float32Array.of(-1, 0, 1, 2)));
const y = graph.keep(graph.scratch("y", [4])); // kept, so that it can be read
kernels.silu(graph, { label: "silu", x, y });

// A plan has memory and compiled shaders; it can run as often as you like.
const plan = await Plan.create(gpu, graph, { label: "example" });
plan.run();
const [values] = await plan.read(y);
console.log([...values].map((value) => value.toFixed(4)).join(" "));

plan.destroy();
gpu.destroy();
