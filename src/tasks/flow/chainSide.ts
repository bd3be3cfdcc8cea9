import type { FlowNetConfig } from "../../models/flowNetLayout.ts";

/** Numbers that kernels load and store at a time, where all lies in groups of so many. */
const GROUP = 4;

/**
 * Tokens of a chain in a plan: the registers, room for its residues, and padding to a whole number of groups, so that
 * matrices of tokens by tokens, such as attention's weights, lie in groups too.
 */
export function chainSide({ registers }: Pick<FlowNetConfig, "registers">, places: number): number {
  return GROUP * Math.ceil((registers + places) / GROUP);
}
