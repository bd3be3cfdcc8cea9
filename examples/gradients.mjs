// A graph with gradients: fits the line y = 2 x + 1 by gradient descent.
import { Graph, kernels, operations, Plan } from "voxtwirl";
import { openGpu } from "voxtwirl/node";

const gpu = await openGpu();
const upload = (label, ...numbers) => gpu.upload(label, Float32Array.from(numbers));
const xs = [-1, -0.5, 0, 0.5, 1];
const targets = xs.map((x) => 2 * x + 1);
const slope = upload("slope", 0);
const offset = upload("offset", 0);

const graph = new Graph(gpu.caps);
const x = graph.external("x", [5, 1], upload("x", ...xs));
const target = graph.external("target", [5, 1], upload("target", ...targets));
// A parameter is a tensor in a buffer of yours; its gradient is added up in another one.
const weight = graph.parameter("slope", [1, 1], slope, upload("slope gradient", 0));
const bias = graph.parameter("offset", [1], offset, upload("offset gradient", 0));
const gradients = [graph.parameterGrad(weight), graph.parameterGrad(bias)];
const loss = graph.keep(graph.scratch("loss", [1]));
for (const sum of [loss, ...gradients]) graph.clear(sum);

// Operations remember how gradients go back; the loss, a mean of five squares, gives the first gradient.
const prediction = operations.linear(graph, { label: "line", x, weight, bias });
const gradPrediction = graph.scratch("prediction gradient", [5, 1]);
const scales = { scale: 1 / 5, lossScale: 1 / 5 };
kernels.squaredError(graph, { label: "loss", prediction, target, gradPrediction, loss, ...scales });
graph.backward(prediction, gradPrediction);

const plan = await Plan.create(gpu, graph, { label: "fit" });
const found = [0, 0];
for (let step = 0; step < 60; step++) {
  plan.run();
  const [[error], ...steepest] = await plan.read(loss, ...gradients);
  if (step % 20 === 0) console.log(`step ${step}: loss ${error.toFixed(5)}`);
  steepest.forEach(([gradient], i) => (found[i] -= 0.2 * gradient));
  [slope, offset].forEach((view, i) => gpu.write(view, Float32Array.of(found[i])));
}
console.log(`y = ${found[0].toFixed(3)} x + ${found[1].toFixed(3)}`);
gpu.destroy(); // with all that was made on it
