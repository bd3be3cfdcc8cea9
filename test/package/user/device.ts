// A user's module that has types of WebGPU from elsewhere; it is compiled, not run.
import { Gpu, type BufferView } from "voxtwirl";
import { openAdapter } from "voxtwirl/node";

/** Objects of the package are WebGPU's own, whoever declares them, and so are those that it takes. */
export async function exchange(device: GPUDevice, adapter: GPUAdapter, buffer: GPUBuffer): Promise<GPUDevice[]> {
  const mine: Gpu = Gpu.fromDevice(device, { info: adapter.info });
  const view: BufferView = { buffer, offset: 0, size: buffer.size };
  const copy: GPUBuffer = mine.createBuffer("copy", view.size, 8);
  const encoder = mine.device.createCommandEncoder();
  encoder.copyBufferToBuffer(view.buffer, 0, copy, 0, copy.size);
  mine.device.queue.submit([encoder.finish()]);
  const opened = await openAdapter();
  const info: GPUAdapterInfo = opened.adapter.info;
  console.log(info.vendor);
  const fromBrowser = await Gpu.open(await navigator.gpu.requestAdapter());
  return [fromBrowser.device, (await Gpu.open(opened.adapter)).device];
}
