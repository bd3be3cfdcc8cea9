import type { CommandEntry } from "./command.ts";

/** Every command of `voxtwirl`, in the order of the help text. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  train: {
    summary: "train a voxel denoiser and measure which share of its loss is rotation symmetry not learned",
    load: () => import("./train.ts"),
  },
  measure: {
    summary: "measure which share of a model's loss is rotation symmetry not learned, for any model's predictions too",
    load: () => import("./measure.ts"),
  },
  profile: {
    summary: "show where the time and the memory of a training step, an evaluation or a model go",
    load: () => import("./profile.ts"),
  },
  tune: {
    summary: "time the variants of each kernel on this adapter, and keep the fastest for all that runs here",
    load: () => import("./tune.ts"),
  },
  bench: {
    summary: "time every kernel and whole networks against the float64 reference, the roofline and other engines",
    load: () => import("./bench.ts"),
  },
  doctor: {
    summary: "show the adapter, what is missing and how to get it, and prove one kernel right",
    load: () => import("./doctor.ts"),
  },
  driver: {
    summary: "show, install or remove a fast software driver of this user's own, which needs no root (Debian, Ubuntu)",
    load: () => import("./driver.ts"),
  },
};
