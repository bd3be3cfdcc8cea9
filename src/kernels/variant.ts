import type { GpuCaps } from "../gpu/caps.ts";
import type { DType, KernelCall, Shader } from "../gpu/dispatch.ts";
import { variantTable } from "./variantTable.ts";

/** One way to run a kernel. Plain data; its results differ from those of another variant by rounding alone. */
export interface Variant {
  /** Unique among the variants of a kernel: `rows 2x4x8`. */
  readonly name: string;
  /** The shader's file, where it is not the kernel's usual one. */
  readonly shader?: string;
  /** What makes it another variant: the shader's constants, and numbers that the host makes them from. */
  readonly constants: Readonly<Record<string, number>>;
}

/** Sizes and flags (0 or 1) that the time of a call depends on. */
export type CallShape = Readonly<Record<string, number>>;

/** All that can be chosen of one kernel. */
export interface VariantFamily<S extends CallShape = CallShape> {
  readonly kernel: string;
  /** The texts that results and times come from. */
  readonly shaders: readonly Shader[];
  /** Those that can run on the adapter, where the call's activations are stored as `dtype`; never none. */
  variants(caps: GpuCaps, shape: S, dtype: DType): readonly Variant[];
  /** Which rows of the table speak of this shape: those whose entry this begins with. */
  shapeClass(shape: S): string;
  /** All of the shape as one line. */
  describe(shape: S): string;
}

/**
 * The variant that a call runs: the one given, one found by timing (`caps.choices`) where that can run here, else the
 * table's.
 */
export function choose<S extends CallShape>(
  caps: GpuCaps,
  family: VariantFamily<S>,
  shape: S,
  dtype: DType,
  given?: Variant,
): { variant: Variant; call: KernelCall } {
  const { kernel } = family;
  const variants = family.variants(caps, shape, dtype);
  const key = `${kernel} ${family.describe(shape)}${dtype === "f32" ? "" : ` ${dtype}`}`;
  const chosen = caps.choices?.[key];
  const fallback = tableVariant(caps, family, shape, variants);
  const variant = given ?? variants.find(({ name }) => name === chosen) ?? fallback;
  return { variant, call: { kernel, key, shape, dtype, variant: variant.name, fallback: fallback.name } };
}

/** "brick *" names the first of those whose names begin so. */
export function isNamed({ name }: Variant, asked: string): boolean {
  return asked.endsWith("*") ? name.startsWith(asked.slice(0, -1)) : name === asked;
}

/** The first row of the table that speaks of this kernel, adapter and shape, and names a variant that can run. */
function tableVariant<S extends CallShape>(
  caps: GpuCaps,
  family: VariantFamily<S>,
  shape: S,
  variants: readonly Variant[],
): Variant {
  const { kernel } = family;
  const shapes = family.shapeClass(shape);
  for (const [of, adapter, begin, name] of variantTable) {
    if (of !== kernel || (adapter !== "any" && adapter !== caps.adapterClass) || !shapes.startsWith(begin)) continue;
    const variant = variants.find((other) => isNamed(other, name));
    if (variant) return variant;
  }
  return variants[0]!;
}
