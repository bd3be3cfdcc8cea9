/**
 * Names that stand for built-in sets where a path is asked for: molecules, frames with energies and forces, and chains
 * of C-alphas.
 */
export const BUILTIN_SETS = ["builtin", "builtin-forces", "builtin-backbones"] as const;

/** One of them. */
export type BuiltinName = (typeof BUILTIN_SETS)[number];

export function isBuiltin(source: string): source is BuiltinName {
  return BUILTIN_SETS.some((name) => name === source);
}

/** What people read of where molecules come from. */
export function sourceName(source: string): string {
  return isBuiltin(source) ? "built-in set" : source;
}
