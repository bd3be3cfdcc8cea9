import { mapped, twin, type Twins } from "./twin.ts";

type Numbers = ArrayLike<number>;

/** b chains of S tokens. */
export interface FlowCase {
  readonly chains: number;
  readonly side: number;
}

/** Twin of shaders/flow/endpoint.wgsl in float64; x of all copies of each chain. */
export function endpoint(side: number, x: Numbers, velocity: Numbers, residues: Numbers, times: Numbers): Float64Array {
  const copies = x.length / (3 * residues.length);
  return mapped(x, (place, at) => {
    const [token, chain] = [Math.floor(at / 3) % side, Math.floor(at / (3 * side * copies))];
    return residues[chain * side + token]! * (place + (1 - times[chain]!) * velocity[at]!);
  });
}

/** Twin of shaders/flow/centre.wgsl in float64. */
export function centre({ chains, side }: FlowCase, x: Numbers, residues: Numbers): Float64Array {
  const y = new Float64Array(x.length);
  for (let b = 0; b < chains; b++) {
    const tokens = Array.from({ length: side }, (_, i) => b * side + i).filter((at) => residues[at] !== 0);
    for (let a = 0; a < 3; a++) {
      const mean = tokens.reduce((sum, at) => sum + x[3 * at + a]!, 0) / tokens.length;
      for (const at of tokens) y[3 * at + a] = x[3 * at + a]! - mean;
    }
  }
  return y;
}

/** Twin of shaders/flow/flowLoss.wgsl in float64. */
export function flowLoss(
  { chains, side }: FlowCase,
  of: { readonly x: Numbers; readonly targets: Numbers; readonly residues: Numbers; readonly times: Numbers },
  scale: number,
) {
  const losses = new Float64Array(chains);
  const gradX = new Float64Array(of.x.length);
  for (let b = 0; b < chains; b++) {
    const tokens = Array.from({ length: side }, (_, i) => b * side + i).filter((at) => of.residues[at] !== 0);
    const weight = 1 / (3 * tokens.length * ((1 - of.times[b]!) ** 2 + 1e-5));
    for (const at of tokens.flatMap((token) => [3 * token, 3 * token + 1, 3 * token + 2])) {
      const error = of.x[at]! - of.targets[at]!;
      losses[b]! += weight * error ** 2;
      gradX[at] = 2 * scale * weight * error;
    }
  }
  return { gradX, losses };
}

export const twins: Twins = {
  centre: twin<"x" | "residues", keyof FlowCase>(({ x, residues }, shape) => ({ y: centre(shape, x, residues) })),
  endpoint: twin<"x" | "velocity" | "residues" | "times", "side">(({ x, velocity, residues, times }, { side }) => ({
    y: endpoint(side, x, velocity, residues, times),
  })),
  endpointGrad: twin<"gradY" | "residues" | "times", "side">(({ gradY, residues, times }, { side }) => ({
    gradVelocity: endpoint(
      side,
      mapped(gradY, () => 0),
      gradY,
      residues,
      times,
    ),
  })),
  flowLoss: twin<"x" | "targets" | "residues" | "times" | "loss", keyof FlowCase>((tensors, shape) => {
    const result = flowLoss(shape, tensors, 0.5);
    return { ...result, loss: [result.losses.reduce((sum, loss) => sum + 0.5 * loss, tensors.loss[0]!)] };
  }),
};
