import { requireArgs, requireTensor } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Graph } from "./graph.ts";

/** What every operation takes, as `requireArgs` has it, and what some take besides. */
export function checkOperation(
  name: string,
  graph: Graph,
  options: { readonly label: string; readonly bias?: Tensor; readonly addend?: Tensor },
  ...names: [tensors: string, numbers?: string, others?: string]
): void {
  requireArgs(name, graph, options, ...names);
  const { label, bias, addend } = options;
  if (bias !== undefined) requireTensor(`${label}: bias`, bias);
  if (addend !== undefined) requireTensor(`${label}: addend`, addend);
}

/** @throws VoxtwirlError "unsupported" where a gradient would flow through copies of a chain: nothing sums it over them */
export function refuseGradOfCopies(
  graph: Graph,
  label: string,
  copies: number,
  inputs: readonly (Tensor | undefined)[],
): void {
  if (copies === 1 || !inputs.some((input) => input && graph.needsGrad(input))) return;
  throw new VoxtwirlError(
    "unsupported",
    `${label}: ${copies} samples share what is of one chain, and there is no gradient through them`,
    "Bind parameters as constants, or give each sample its own.",
  );
}
