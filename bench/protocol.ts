// What the benchmark and the engines it compares with say to each other. Every peer is a process of its own
// (bench/peers/NAME.mjs or NAME.py), spoken to in lines of JSON: requests on its file descriptor 3, replies on 4, one
// reply a request, so that what a library prints on stdout or stderr disturbs nothing. Tensors pass in files of raw
// little-endian float32.
//
// Layouts of the files: activations channels-last [N, D, H, W, C]; weights of convolutions [k, k, k, C in, C out], of
// transposed ones [k, k, k, C in, C out] too (C in: channels of the transposed convolution's input). A peer brings
// them into its own layout in `load`, outside what is timed, and its outputs back in `save`.

/** Engines that ours can be compared with. */
export const peerNames = [
  "tfjs",
  "jax-js",
  "ort-web",
  "ort-wasm",
  "ort-node-webgpu",
  "ort-node-cpu",
  "torch",
  "ase",
] as const;
export type PeerName = (typeof peerNames)[number];

/** A tensor of a case, in a file of its own. */
export interface TensorFile {
  readonly name: string;
  readonly shape: readonly number[];
  /** Path of the raw float32 values. */
  readonly file: string;
}

/**
 * One piece of work, described so that any engine can do it. `inputs` and `outputs` by operation:
 *
 * - conv3d: x, weight [, bias] -> y. Attributes stride, padding.
 * - conv3dGradInput: gradY, weight -> gradX. conv3dGradWeight: x, gradY -> gradWeight. Attributes stride, padding.
 * - convTranspose3d: x, weight -> y. convTranspose3dGradInput: gradY, weight -> gradX. convTranspose3dGradWeight: x,
 *   gradY -> gradWeight. Attributes stride, padding.
 * - groupNorm: x, gamma, beta -> y. groupNormGrad: the same and gradY -> gradX, gradGamma, gradBeta. Attributes groups,
 *   silu (0 or 1), eps.
 * - layerNorm: x [rows, C], weight [, bias] -> y, of each row; with rms 1 no mean is subtracted. layerNormGrad: the
 *   same and gradY -> gradX, gradWeight [, gradBias]. Attributes rms, eps.
 * - gelu: x -> y, exact. geluGrad: x, gradY -> gradX.
 * - matmul: a [B, M, K], b [B, K, N] -> y [B, M, N]. matmulGrad: the same and gradY -> gradA, gradB.
 * - attention: qkv [N, tokens, 3 C] (q, then k, then v along the last axis, of each all heads) [, pairBias [N, heads,
 *   tokens, tokens], by query, then key] -> y [N, tokens, C]. attentionGrad: the same and gradY -> gradQkv [,
 *   gradPairBias]. Attributes scale, heads.
 * - rotate: x [N, D, D, D, C], matrix [3, 3] (active, x y z) -> y: out(p) = in(R^-1 p) about the centre (D - 1) / 2,
 *   trilinear, 0 outside. rotateCatmullRom: the same with its weights. rotateAdjoint: gradY, matrix -> gradX, the
 *   transpose of the first.
 * - rotateOctahedral: x [1, D, D, D, C], matrices [R, 9], rotations of the cube -> y [R, D, D, D, C].
 * - twirl: predictions [R, D, D, D, C], matrices [R, 9], the rotations of the cube that turn them back, target [1, D,
 *   D, D, C] -> mean [1, D, D, D, C] of the turned ones f, and sums [1, 4]: of |mean - target|^2, of all |f - mean|^2,
 *   of |target|^2, and 0.
 * - voxelize: atoms [A, 5] (sample, x, y, z, channel) -> y [N, D, D, D, C]: 1 - product over a channel's atoms of
 *   1 - exp(-d^2 / radius^2), those within the cutoff; voxel i is at (i - (D - 1) / 2) resolution. Attributes samples,
 *   channels, size, resolution, radius, cutoff.
 * - neighbours: positions [B, n, 4] (x, y, z, unused) -> neighbours [B, n, M]: b n + j of the other atoms j of each
 *   atom's structure that are up to the cutoff away, the M nearest, j growing. There are M of them. Attribute cutoff.
 * - bondOrder: edges [B, n, M, 4] (direction, length) -> y [B, n, L + 1]: for each degree l the root of the sum over m
 *   of the squares of the means over M edges of Y_lm, real, whose squares add up to 2l + 1.
 * - neighbourAttention: qkv [N, M, 3 C] (q, then k, then v, each of all heads), edges [N, M, 4] (direction, length),
 *   bias [1] -> y [N, M, C]: attention among the M edges of an atom, to whose logits bias times the cosine between two
 *   edges is added. neighbourAttentionGrad: the same and gradY -> gradQkv, gradBias. Attribute heads.
 * - escaipTrain: positions [B, n, 3], numbers [B, n], energies [B], forces [B, n, 3] and the parameters of EScAIP by
 *   name -> loss [1] and "grad/NAME" of the first step. All atoms of a structure are neighbours. Attributes heads,
 *   energyWeight, forceWeight, clip, and those of adamw; what has "embedding" or "bias" in its name is not decayed.
 * - escaipEvaluation: positions, numbers, target [B, n, 3], matrices [R, 9], the rotations of the cube, and parameters
 *   -> terms [4], sums over structures: E |f_T - y|^2, |E f_T - y|^2, E |f_T - E f_T|^2, |y|^2. Attribute heads.
 * - flowSample: x, previous [B, n, 3] and the parameters of the flow-matching net by name -> x1, endpoints: the step
 *   without noise from time `first` of `steps` (samplingTimes), and where its paths are taken to end. A run is a step,
 *   each from where the last one went, to the end and then from the beginning. Attributes heads, steps, first.
 * - flowTrain: x [B, n, 3] at times [B] on the way to targets [B, n, 3], and those parameters -> loss [1] and
 *   "grad/NAME" of the first step. With conditioned 1 a pass without gradients says before where the paths end. A step
 *   is Adam's. Attributes heads, conditioned, lr, beta1, beta2, eps.
 * - adamw: weights, grads, m, v, ema -> weights, m, v, ema after one update, the one after `step` others. Attributes
 *   lr, beta1, beta2, eps, weightDecay, emaDecay, step.
 * - variance: x [K, N, D, D, D, C] -> mean [N, D, D, D, C] and m2 [N]: the sum over rows, voxels and channels of
 *   |x_k - mean|^2.
 * - unet: x and the parameters of case U by name (bench/unetU.ts) -> y.
 * - unetTrain: the same with target -> loss [1] and the gradients of all parameters, named "grad/NAME". Attributes lr,
 *   weightDecay, beta1, beta2, eps: a step is forward, mean squared error, backward and AdamW. Gradients are those of
 *   the first step, at the given parameters.
 * - tinyTrain: unetTrain for the network of the preset tiny, parameters under the names of its state dict.
 * - lanczos: x, target [N, D, D, D, C], the parameters of the network of the preset tiny by name, and a start vector in
 *   pieces "start/NAME" -> lambdaMax [1] and "product/NAME". Both are of the Hessian of a term of the squared error, a
 *   mean over the N samples and the 24 rotations of the cube: its largest (signed) Ritz value after so many products,
 *   and its product with the start vector as it is. Attributes products, and term (0: the loss, 1: L_mean, 2: L_equiv).
 * - evaluation: noisy, clean [1, D, D, D, C], matrices [R, 9], different rotations of the cube, and the parameters of a
 *   denoiser by name -> terms [4], means over voxels and channels: with f the predictions for the
 *   turned noisy grid, turned back, |f - clean|^2 over all R, what is left of it without the next, the part that is
 *   lost symmetry, 23 / 24 of the sample variance of f, and |clean|^2. Attribute groups.
 * - rotateFrames: positions, forces [F, n, 3], of carbon, hydrogen, nitrogen, oxygen in turn -> squares [F]: of each
 *   frame the sum of squares of the coordinates in the file of its copies. A run reads the frames' file and writes one
 *   of 24 copies of each in random rotations, which every engine draws itself.
 * - measureFrames: positions, forces, rotations [F R, 9], predictions [F R, n, 3], R copies of each frame -> terms [3]:
 *   lossTotal, lossMean and lossEquiv of the forces. A run reads both files, which were written before.
 * - noise: no outputs, since every engine has a generator of its own. x [...] with normal numbers added, times sigma;
 *   without x so many of them, `count`, or with uniform 1 as many between 0 and 1. Attributes sigma, count, uniform.
 */
export interface CaseDescription {
  /** Unique, with slashes: "conv3d/A", "gradWeight/C", "unet/U/train". */
  readonly name: string;
  readonly operation:
    | "conv3d"
    | "conv3dGradInput"
    | "conv3dGradWeight"
    | "convTranspose3d"
    | "convTranspose3dGradInput"
    | "convTranspose3dGradWeight"
    | "groupNorm"
    | "groupNormGrad"
    | "layerNorm"
    | "layerNormGrad"
    | "gelu"
    | "geluGrad"
    | "matmul"
    | "matmulGrad"
    | "attention"
    | "attentionGrad"
    | "rotate"
    | "rotateCatmullRom"
    | "rotateAdjoint"
    | "rotateOctahedral"
    | "twirl"
    | "voxelize"
    | "neighbours"
    | "neighbourAttention"
    | "neighbourAttentionGrad"
    | "escaipTrain"
    | "escaipEvaluation"
    | "flowSample"
    | "flowTrain"
    | "bondOrder"
    | "adamw"
    | "variance"
    | "unet"
    | "unetTrain"
    | "tinyTrain"
    | "lanczos"
    | "evaluation"
    | "noise"
    | "rotateFrames"
    | "measureFrames";
  readonly attributes: Readonly<Record<string, number>>;
  readonly inputs: readonly TensorFile[];
  /** Where `save` puts each output; shapes as above. */
  readonly outputs: readonly TensorFile[];
}

export type PeerRequest =
  /** First of all. `adapter`: part of the name of the WebGPU adapter to use, "" for Dawn's own choice. */
  | { readonly do: "open"; readonly adapter: string }
  /** Prepares a case in place of the one before, and runs it once. */
  | { readonly do: "load"; readonly case: CaseDescription }
  /** Runs the loaded case `count` times one after another, each awaited. */
  | { readonly do: "run"; readonly count: number }
  /** Writes the outputs of the loaded case. */
  | { readonly do: "save" }
  | { readonly do: "close" };

export type PeerReply =
  | {
      readonly ok: true;
      /** open: version of the engine and what else to record: threads, provider, workarounds. */
      readonly version?: string;
      readonly notes?: readonly string[];
      /** load: milliseconds of preparing, and of the first run, which may compile. */
      readonly prepareMs?: number;
      readonly firstMs?: number;
      /** load: workarounds that this case needed. */
      readonly workarounds?: readonly string[];
      /** run: milliseconds of each run, from the call until the result is known to be there. */
      readonly ms?: readonly number[];
    }
  | {
      readonly ok: false;
      /** "missing": not installed; "unsupported": it cannot do this; "failed": it said it could and did not. */
      readonly why: "missing" | "unsupported" | "failed";
      /** The engine's own words. */
      readonly message: string;
    };
