// A kernel between two buffers of your own, on a device of your own: nothing is copied, and both stay yours.
import { Graph, Gpu, kernels, Plan } from "voxtwirl";
import { openAdapter } from "voxtwirl/node";

// Your device. In a browser the adapter is what navigator.gpu.requestAdapter() gives.
const { adapter } = await openAdapter();
const device = await adapter.requestDevice();
const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
const from = device.createBuffer({ size: 16, usage });
const to = device.createBuffer({ size: 16, usage });
device.queue.writeBuffer(from, 0, Float32Array.of(-1, 0, 1, 2));

const gpu = Gpu.fromDevice(device);
const graph = new Graph(gpu.caps);
const view = (buffer) => ({ buffer, offset: 0, size: buffer.size });
const x = graph.external("x", [4], view(from));
const y = graph.external("y", [4], view(to));
kernels.silu(graph, { label: "silu", x, y });
const plan = await Plan.create(gpu, graph, { label: "yours" });
plan.run(); // submitted: what you submit from here on finds the result

// Your own commands go on with it.
const staging = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
const encoder = device.createCommandEncoder();
encoder.copyBufferToBuffer(to, 0, staging, 0, 16);
device.queue.submit([encoder.finish()]);
await staging.mapAsync(GPUMapMode.READ);
console.log([...new Float32Array(staging.getMappedRange())].map((value) => value.toFixed(4)).join(" "));

gpu.destroy(); // frees the plan; the device and its buffers are left alone
device.destroy();
