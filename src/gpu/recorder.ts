import type { BufferView } from "./gpu.ts";

/** One concrete command of a replay. */
export type Command =
  | {
      readonly kind: "dispatch";
      readonly label: string;
      readonly pipeline: GPUComputePipeline;
      readonly bindGroup: GPUBindGroup;
      readonly workgroups: readonly [number, number, number];
    }
  | { readonly kind: "clear"; readonly label: string; readonly view: BufferView };

/** Copies to make after the commands, in the same submit: results on their way to a staging buffer. */
export interface Copy {
  readonly from: BufferView;
  readonly to: GPUBuffer;
  readonly toOffset: number;
}

/** Encodes all commands and submits them once. Consecutive dispatches share a compute pass. Nothing is awaited. */
export function replay(device: GPUDevice, label: string, commands: readonly Command[], copies: readonly Copy[] = []): void {
  const encoder = device.createCommandEncoder({ label });
  let pass: GPUComputePassEncoder | undefined;
  let pipeline: GPUComputePipeline | undefined;
  for (const command of commands) {
    if (command.kind === "dispatch") {
      if (!pass) {
        pass = encoder.beginComputePass({ label });
        pipeline = undefined;
      }
      if (pipeline !== command.pipeline) {
        pipeline = command.pipeline;
        pass.setPipeline(pipeline);
      }
      pass.setBindGroup(0, command.bindGroup);
      pass.dispatchWorkgroups(...command.workgroups);
    } else {
      pass?.end();
      pass = undefined;
      encoder.clearBuffer(command.view.buffer, command.view.offset, command.view.size);
    }
  }
  pass?.end();
  for (const { from, to, toOffset } of copies) encoder.copyBufferToBuffer(from.buffer, from.offset, to, toOffset, from.size);
  device.queue.submit([encoder.finish()]);
}
