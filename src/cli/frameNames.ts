import type { LabelNames } from "../formats/frameLabels.ts";
import { badOption } from "./args.ts";

/** As they were given. */
type FrameNameOptions = Partial<
  Record<"names" | "labelNames" | "scalars" | "vectors" | "pseudovectors" | "tensors" | "tolerance", string | undefined>
>;

/** What terms of frames are called, and their floors: lists with commas, and pairs with equals signs. */
export function frameNames(options: FrameNameOptions) {
  const list = (text: string | undefined) =>
    (text ?? "").split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
  const labels = (option: string, text: string | undefined): LabelNames =>
    Object.fromEntries(
      list(text).map((pair) => {
        const [, kind, name] = /^(energy|forces|stress|virial)=(.+)$/.exec(pair) ?? [];
        if (kind !== undefined) return [kind, name];
        throw badOption(
          `${option} has ${pair}`,
          "Give energy=NAME, forces=NAME, stress=NAME, virial=NAME, with commas.",
        );
      }),
    );
  const { scalars, vectors, pseudovectors, tensors } = options;
  return {
    floors: floorsOf(options.tolerance),
    names: labels("--names", options.names),
    labelNames: labels("--label-names", options.labelNames),
    ...{ scalars: list(scalars), vectors: list(vectors) },
    ...{ pseudovectors: list(pseudovectors), tensors: list(tensors) },
  };
}

/** One number for all terms, or one for each that is named. */
function floorsOf(given: string | undefined): number | Record<string, number> | undefined {
  if (given === undefined) return undefined;
  const pairs = given.split(",").map((pair) => {
    const [name, text] = pair.includes("=") ? pair.split("=") : ["", pair];
    const value = Number(text);
    if (text!.trim() !== "" && value > 0 && Number.isFinite(value)) return [name!.trim(), value] as const;
    throw badOption(`--tolerance has ${pair}`, "Give a positive number, or pairs such as forces=1e-3,energy=1e-5.");
  });
  const [first] = pairs;
  return pairs.length === 1 && first![0] === "" ? first![1] : Object.fromEntries(pairs);
}
