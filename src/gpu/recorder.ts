import type { GPUBindGroup, GPUBuffer, GPUComputePipeline, GPUDevice, GPUQuerySet } from "../hostTypes.ts";
import type { BufferView } from "./gpu.ts";

/** One dispatch made concrete. */
export interface DispatchCommand {
  readonly kind: "dispatch";
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** One concrete command of a replay. */
export type Command = DispatchCommand | { readonly kind: "clear"; readonly label: string; readonly view: BufferView };

/** Copies to make after the commands, in the same submit: results on their way to a staging buffer. */
export interface Copy {
  readonly from: BufferView;
  readonly to: GPUBuffer;
  readonly toOffset: number;
}

/** WebGPU's largest query set holds 4,096 timestamps: two a span. */
export const SPANS_OF_SET = 2048;

/**
 * Where a replay writes timestamps: queries 2i and 2i + 1 are the begin and the end of span i, counted on from one
 * query set to the next.
 */
export interface Timing {
  readonly querySets: readonly GPUQuerySet[];
  /** "whole": span 0 is all passes of the replay. "each": span i is the i-th dispatch, in a pass of its own. */
  readonly spans: "whole" | "each";
}

/**
 * Encodes all commands and submits them once. Consecutive dispatches share a compute pass, unless each is timed.
 * Nothing is awaited.
 */
export function replay(
  device: GPUDevice,
  label: string,
  commands: readonly Command[],
  copies: readonly Copy[] = [],
  timing?: Timing,
): void {
  const encoder = device.createCommandEncoder({ label });
  const steps = groupPasses(commands, timing?.spans === "each");
  const passes = steps.reduce((count, step) => count + (Array.isArray(step) ? 1 : 0), 0);
  let index = 0;
  for (const step of steps) {
    if (!Array.isArray(step)) {
      encoder.clearBuffer(step.view.buffer, step.view.offset, step.view.size);
      continue;
    }
    const timestampWrites = timing && timestampsOf(timing, index++, passes);
    const pass = encoder.beginComputePass(timestampWrites ? { label, timestampWrites } : { label });
    let pipeline: GPUComputePipeline | undefined;
    for (const dispatch of step) {
      if (pipeline !== dispatch.pipeline) {
        pipeline = dispatch.pipeline;
        pass.setPipeline(pipeline);
      }
      pass.setBindGroup(0, dispatch.bindGroup);
      pass.dispatchWorkgroups(...dispatch.workgroups);
    }
    pass.end();
  }
  for (const { from, to, toOffset } of copies) {
    encoder.copyBufferToBuffer(from.buffer, from.offset, to, toOffset, from.size);
  }
  device.queue.submit([encoder.finish()]);
}

type Clear = Exclude<Command, DispatchCommand>;

/** Dispatches of one compute pass together, clears between passes. */
function groupPasses(commands: readonly Command[], single: boolean): (DispatchCommand[] | Clear)[] {
  const steps: (DispatchCommand[] | Clear)[] = [];
  let open: DispatchCommand[] | undefined;
  for (const command of commands) {
    if (command.kind === "clear") {
      open = undefined;
      steps.push(command);
    } else if (open && !single) {
      open.push(command);
    } else {
      open = [command];
      steps.push(open);
    }
  }
  return steps;
}

function timestampsOf(timing: Timing, index: number, passes: number): GPUComputePassTimestampWrites | undefined {
  if (timing.spans === "each") {
    const querySet = timing.querySets[Math.floor(index / SPANS_OF_SET)]!;
    const query = 2 * (index % SPANS_OF_SET);
    return { querySet, beginningOfPassWriteIndex: query, endOfPassWriteIndex: query + 1 };
  }
  const begin = index === 0 ? { beginningOfPassWriteIndex: 0 } : {};
  const end = index === passes - 1 ? { endOfPassWriteIndex: 1 } : {};
  return index === 0 || index === passes - 1 ? { querySet: timing.querySets[0]!, ...begin, ...end } : undefined;
}
