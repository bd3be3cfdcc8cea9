import { choice } from "./args.ts";

/** The option of commands that run networks. */
export function precisionOption(byDefault: string) {
  const help = `f32 or f16 (default ${byDefault}): how activations are stored; sums and weights are f32`;
  return choice("--precision <TYPE>", help, ["f32", "f16"]);
}
