import { requireGpu, requireObject } from "../../check.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import { squaredError, type Loss } from "../../equivariance/losses.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { flowNetParameters } from "../../models/flowNetLayout.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { ModelTerms } from "../../training/task.ts";
import { hostTerms } from "../hostTerms.ts";
import { requirePlaces } from "../places.ts";
import { requireRotated } from "../sampleRotations.ts";
import { flowModelFile } from "./flowModelFile.ts";
import type { PackedBackbones } from "./packFlow.ts";
import { requireSquared } from "./requireSquared.ts";
import { TwirledFlow } from "./twirledFlow.ts";

/** Whose terms are taken, and on what. */
export interface FlowTermsOptions {
  /** The bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them. */
  readonly model: Uint8Array | ModelFile;
  /** Chains: `flow.open(...).heldout`, or `packed` of `flow.pack(...)`. */
  readonly data: PackedBackbones;
  /** Places of the chains that the losses are means over; all by default. */
  readonly chosen?: Uint32Array;
  /** Rotations of the cube of each sample; all 24 by default. */
  readonly rotations?: number;
  /** There is no other than the squared error. */
  readonly loss?: Loss;
  /** Crops, poses, times, noise and drawn rotations follow from it and the chain's place; the run's by default. */
  readonly seed?: number;
  /** Copies of chains predicted at once at most; as many as fill a replay by default. */
  readonly chunk?: number;
}

/**
 * The loss of a flow-matching model and its terms as functions of the weights, in nm^2 per coordinate of the
 * velocities, on crops of chains between noise and data as in the evaluations of a run with this seed: for
 * `termGradients` and `landscape`. A chain's loss is the mean of its samples' by the weights of their times.
 *
 * Self-conditions are what the model says at its own weights of the chain as it lies; they are computed once and stay
 * what they are at other weights. So nothing flows into them, as in training, and gradients are the derivatives of
 * these sums.
 *
 * @throws VoxtwirlError "bad-file" when the model is none, "bad-option" for places, rotations or a loss that cannot be,
 *   "too-large" or "out-of-memory" where not even one copy fits
 */
export async function flowTerms(gpu: Gpu, options: FlowTermsOptions): Promise<ModelTerms> {
  requireGpu(gpu);
  requireObject("options", options, "Give { model, data }.");
  const { data, rotations = OCTAHEDRAL_ORDER, loss = squaredError, chunk } = options;
  requireObject("data", data, "Give packed chains: flow.open(chains, config).heldout.");
  const model = flowModelFile(options.model);
  const config = model.config.training;
  const under = { group: "octahedral", rotations, seed: options.seed ?? config.seed } as const;
  requireRotated(under, data.count);
  requireSquared(loss);
  const chosen = options.chosen ?? Uint32Array.from({ length: data.count }, (_, i) => i);
  requirePlaces("chosen", chosen, data.count);
  return hostTerms(gpu, {
    ...{ model, chosen, loss, parameters: flowNetParameters(config) },
    // Numbers are scaled so that a chain's loss is their sum.
    sampling: { rotations, elements: 1, groupOrder: OCTAHEDRAL_ORDER },
    network: (store) => TwirledFlow.create(gpu, { config, data, store, under, chosen, chunk }),
  });
}
