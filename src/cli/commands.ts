import type { CommandEntry } from "./command.ts";

/** Every command of `voxtwirl`, in the order of the help text. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  train: {
    summary:
      "train a denoiser, a force field or flow matching, and measure what share of its loss is symmetry not learned",
    load: () => import("./train.ts"),
  },
  measure: {
    summary: "measure what share of a model's loss is rotation symmetry not learned, also from its predictions",
    load: () => import("./measure.ts"),
  },
  rotate: {
    summary: "write rotated copies of frames of atoms or of voxel grids, for any program to predict on",
    load: () => import("./rotate.ts"),
  },
  sample: {
    summary: "make protein backbones with a flow-matching model, and compare their geometry with that of other chains",
    load: () => import("./sample.ts"),
  },
  molecules: {
    summary: "assess molecules as papers on generated ones do: valid, unique, novel, stable, and how like a reference",
    load: () => import("./molecules.ts"),
  },
  analyze: {
    summary: "explain a model's lost symmetry: gradients and landscape of each loss term, parameters, hidden features",
    load: () => import("./analyze.ts"),
  },
  convert: {
    summary: "convert a model between voxtwirl's file and a checkpoint of VoxMol's own code (PyTorch)",
    load: () => import("./convert.ts"),
  },
  profile: {
    summary: "show where a training step, an evaluation or a model spends its time and memory",
    load: () => import("./profile.ts"),
  },
  experiment: {
    summary: "put a claim on how symmetry is learned to the test: runs, a verdict by a stated rule, a report",
    load: () => import("./experiment.ts"),
  },
  merge: {
    summary: "put the shards of a command together, and print what it would have printed in one piece",
    load: () => import("./merge.ts"),
  },
  submit: {
    summary: "print a job of Slurm or Kubernetes that does a command in parts and merges them; --run submits it",
    load: () => import("./submit.ts"),
  },
  tune: {
    summary: "time the variants of each kernel on this adapter, and use the fastest from then on",
    load: () => import("./tune.ts"),
  },
  bench: {
    summary: "time every kernel and whole networks, check them, and compare them with other engines",
    load: () => import("./bench.ts"),
  },
  doctor: {
    summary: "show which adapter is used and what is missing, and check that one kernel is right",
    load: () => import("./doctor.ts"),
  },
  driver: {
    summary: "show, install or remove a fast software driver of your own, without root (Debian, Ubuntu)",
    load: () => import("./driver.ts"),
  },
};
