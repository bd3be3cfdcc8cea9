import type { Precision } from "../graph/graph.ts";
import type { Args, OptionSpec } from "./args.ts";

/** The option of commands that run networks. */
export function precisionOption(byDefault: string): OptionSpec {
  const help = `f32 or f16 (default ${byDefault}): how activations are stored; sums and weights are f32`;
  return { value: "TYPE", help };
}

export function precisionOf(args: Args): Precision | undefined {
  return args.choice("precision", ["f32", "f16"]);
}
