import { badOption } from "./args.ts";

/** Which layers are shown. */
export interface ChosenLayers {
  /** Whether a layer of weights is meant: `down.0.res.conv1`. */
  readonly isLayer: (name: string) => boolean;
  /** The same of a hidden map, whose name its layers begin with: `down.0`. */
  readonly isMap: (name: string) => boolean;
}

/**
 * Layers by their names, with `*` for any letters and commas between several: `down.*,middle.res1.conv1`.
 *
 * @param names all layers of the model
 * @throws VoxtwirlError "bad-option" where the pattern means none of them
 */
export function chosenLayers(pattern: string | undefined, names: readonly string[]): ChosenLayers {
  if (pattern === undefined) return { isLayer: () => true, isMap: () => true };
  const expressions = pattern.split(",").map((part) => {
    const escaped = part.trim().replace(/[.+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replaceAll("*", ".*")}$`);
  });
  const means = (name: string) => expressions.some((expression) => expression.test(name));
  // A pattern may mean a block, too.
  const within = (name: string, block: string) => name === block || name.startsWith(`${block}.`);
  const chosen = names.filter((name) => means(name) || parents(name).some(means));
  if (chosen.length > 0) {
    return {
      isLayer: (name) => chosen.includes(name),
      isMap: (map) => chosen.some((name) => within(name, map)),
    };
  }
  const some = names.slice(0, 6).join(", ");
  throw badOption(`--layers ${pattern} is none of the model's`, `They are ${some} ...; * stands for any letters.`);
}

/** `down.0` and `down.0.res` of `down.0.res.conv1`. */
function parents(name: string): string[] {
  const parts = name.split(".");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("."));
}
