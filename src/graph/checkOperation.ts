import { requireArgs, requireTensor } from "../check.ts";
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
