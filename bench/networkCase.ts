import { elementCount } from "../src/gpu/tensor.ts";
import type { BenchCase, CaseData, Expected, PeerTask } from "./case.ts";
import { uniform } from "./data.ts";
import type { Network, NetworkPlanSpec, Training } from "./network.ts";
import { openForward, openTraining } from "./networkPlans.ts";

interface NetworkCaseSpec extends NetworkPlanSpec {
  readonly shape: string;
  readonly tolerance: number;
  readonly operation: PeerTask["operation"];
  readonly expected?: () => Promise<readonly Expected[]>;
  /** What errors of activations in half precision become at the end. */
  readonly halfTolerance: number;
}

/** One forward pass: y. */
export function forwardCase(spec: NetworkCaseSpec): BenchCase {
  const { network, precision } = spec;
  return {
    ...common(spec),
    ...(!precision && { inHalf: () => forwardCase(inHalf(spec)) }),
    flops: network.flops,
    bytes: 4 * (2 * elementCount(network.shape) + parameterCount(network)),
    ...(!precision && {
      peers: {
        operation: spec.operation,
        attributes: {},
        inputs: inputsOf(network, ["x"]),
        outputs: [{ name: "y", shape: network.shape }],
      },
    }),
    data: () => dataOf(network, ["x"]),
    open: (gpu, data) => openForward(gpu, spec, data),
  };
}

/** Forward, mean squared error, backward and AdamW: the loss and the gradients of the first step. */
export function trainCase(spec: NetworkCaseSpec & { readonly training: Training }): BenchCase {
  const { network, training, precision } = spec;
  const gradients = network.parameters
    .filter(({ trained }) => trained)
    .map(({ name, shape }) => ({ name: `grad/${name}`, shape }));
  return {
    ...common(spec),
    ...(!precision && { inHalf: () => trainCase({ ...inHalf(spec), training }) }),
    // Forward, and two products of the same size backward.
    flops: 3 * network.flops - network.firstFlops,
    bytes: 4 * (2 * elementCount(network.shape) + 9 * parameterCount(network)),
    ...(!precision && {
      peers: {
        operation: spec.operation,
        attributes: { ...training },
        inputs: inputsOf(network, ["x", "target"]),
        outputs: [{ name: "loss", shape: [1] }, ...gradients],
      },
    }),
    data: () => dataOf(network, ["x", "target"]),
    open: (gpu, data) => openTraining(gpu, spec, training, data),
  };
}

function common({ name, shape, tolerance, expected, precision }: NetworkCaseSpec) {
  return { name, suite: "unet", shape, tolerance, ...(expected && { expected }), ...(precision && { precision }) };
}

function inHalf(spec: NetworkCaseSpec): NetworkCaseSpec {
  return { ...spec, name: `${spec.name}/f16`, tolerance: spec.halfTolerance, precision: "f16" };
}

function parameterCount({ parameters }: Network): number {
  return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function inputsOf({ shape, parameters }: Network, grids: readonly string[]) {
  return [...grids.map((name) => ({ name, shape })), ...parameters.map(({ name, shape }) => ({ name, shape }))];
}

function dataOf({ dataName, shape, parameters }: Network, grids: readonly string[]): CaseData {
  return new Map([
    ...grids.map((name) => [name, uniform(`${dataName}/${name}`, elementCount(shape))] as const),
    ...parameters.map(
      ({ name, shape, spread }) => [name, uniform(`${dataName}/${name}`, elementCount(shape), spread)] as const,
    ),
  ]);
}
