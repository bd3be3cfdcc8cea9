import type { EvalRow, MetricRow, SliceInput, TrainRow } from "../../src/report/types.ts";

/** A synthetic evaluation: losses fall as 1 / (1 + step), the share from 60 % to about 3 %. */
export function evalRow(step: number, change: Partial<EvalRow> = {}): EvalRow {
  const lossTotal = 0.02 / (1 + step / 20);
  const percentEquiv = 3 + 57 / (1 + step / 10);
  const lossEquiv = (lossTotal * percentEquiv) / 100;
  return {
    type: "eval",
    step,
    seconds: step / 4,
    lossTotal,
    lossMean: lossTotal - lossEquiv,
    lossEquiv,
    lossZero: 0.005,
    percentEquiv,
    percentEquivStdErr: percentEquiv / 10,
    ...change,
  };
}

export function trainRow(step: number, change: Partial<TrainRow> = {}): TrainRow {
  const loss = (0.02 / (1 + step / 20)) * (1 + 0.2 * Math.sin(step * 7));
  return { type: "train", step, seconds: step / 4, loss, gradNorm: 1, ...change };
}

/** 120 steps with an evaluation every 20. */
export function sampleMetrics(): MetricRow[] {
  const train = Array.from({ length: 120 }, (_, i) => trainRow(i + 1));
  return [...train, ...[0, 20, 40, 60, 80, 100, 120].map((step) => evalRow(step))];
}

export function sampleSlices(change: Partial<SliceInput> = {}): SliceInput {
  const grid = 4;
  const wave = (phase: number): Float32Array =>
    Float32Array.from({ length: grid * grid * 2 }, (_, i) => Math.sin(i + phase));
  return {
    grid,
    channels: ["C", "O"],
    resolution: 0.5,
    sliceIndex: 2,
    name: "water & friends",
    clean: wave(0),
    noisy: wave(1),
    denoised: wave(2),
    twistedDifference: wave(3),
    ...change,
  };
}
