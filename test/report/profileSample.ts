import type { DispatchProfile, PlanProfile } from "../../src/graph/profile.ts";

export const roofline = { gbPerSecond: 5, gflops: 10 };

function dispatch(
  given: Partial<DispatchProfile> & Pick<DispatchProfile, "label" | "shader" | "durationNs">,
): DispatchProfile {
  return {
    layer: given.label.split(" ")[0]!,
    phase: "forward",
    variant: given.shader,
    workgroups: [4, 1, 1],
    tensors: [
      { binding: "x", label: "x", shape: [1, 2, 2, 2, 3] },
      { binding: "y", label: "y", shape: [1, 2, 2, 2, 4] },
    ],
    flops: 0,
    bytes: 5000,
    command: 0,
    beginNs: 0,
    gapNs: 0,
    ...given,
  };
}

/** Three dispatches, the last of which begins before the second has ended; two repeats. */
export function sampleProfile(): PlanProfile {
  const dispatches = [
    dispatch({
      label: "net/down/conv",
      shader: "conv3d",
      variant: "conv3d<KERNEL=3>",
      durationNs: 8000,
      flops: 16_000,
      bytes: 4000,
    }),
    dispatch({
      label: "net/down/conv copy",
      shader: "copy",
      durationNs: 5000,
      command: 1,
      beginNs: 10_000,
      gapNs: 2000,
    }),
    dispatch({
      ...{
        label: "net/up/conv <gradInput>",
        layer: "net/up/conv",
        shader: "conv3d",
        phase: "backward",
        variant: "conv3d<KERNEL=3>",
      },
      ...{ durationNs: 20_000, flops: 30_000, bytes: 4000, command: 2, beginNs: 14_000 },
    }),
  ];
  const host = (from: number) => ({
    prepare: from,
    encode: from + 5000,
    submitted: from + 30_000,
    done: from + 100_000,
  });
  const profiled = (from: number) => ({
    ...host(from),
    begins: [50_000, 60_000, 64_000].map((at) => from + at),
    durations: [8000, 5000, 20_000],
  });
  return {
    label: "train",
    adapter: "an adapter & its driver",
    repeats: 2,
    timing: "timestamps",
    dispatches,
    gpu: { spanNs: 34_000, busyNs: 32_000 },
    host: { firstMs: 1, prepareMs: 0.005, encodeMs: 0.025, wallMs: 0.095 },
    overhead: { encodeMs: 0.03, wallMs: 0.114, share: 0.2 },
    emptyNs: 300,
    memory: {
      commands: ["net/down/conv", "net/down/conv copy", "net/up/conv <gradInput>"],
      tensors: [
        { label: "a", shape: [128], arena: 0, offset: 0, bytes: 512, first: 0, last: 1, kept: false },
        { label: "b", shape: [2, 64], arena: 0, offset: 512, bytes: 512, first: 1, last: 1, kept: false },
        { label: "c & d", shape: [64], arena: 1, offset: 0, bytes: 256, first: 2, last: 2, kept: true },
      ],
      arenas: [1024, 256],
      liveBytes: [512, 1024, 256],
      peak: { command: 1, bytes: 1024, tensors: [0, 1] },
      lowerBound: 1024,
      externalBytes: 2048,
    },
    replays: {
      timing: "timestamps",
      first: host(5_569_046_823),
      plain: [host(1_655_701_177), host(2_269_911_293)],
      profiled: [profiled(0), profiled(4_391_282_141)],
      emptyNs: 300,
      clockUncertaintyNs: 40_000,
    },
  };
}
