import type { AdapterClass, GpuCaps } from "../gpu/caps.ts";
import type { KernelCall } from "../gpu/dispatch.ts";
import type { Shader } from "../gpu/shader.ts";
import { hasSubgroupsOf, QUAD_LANES } from "./lanes.ts";
import type { DType } from "../gpu/tensor.ts";
import type { Example } from "./example.ts";

/** Sizes and flags (0 or 1) that the work of a call depends on. */
export type CallShape = Readonly<Record<string, number>>;

/**
 * A kernel: all that tests, tuning, the bench and other tools need to know of it. The function that dispatches it
 * stands beside it.
 */
export interface Kernel<S extends CallShape = CallShape> {
  /** As in the keys of calls and in files of tunings: `conv3d`, `groupNormGrad`. */
  readonly name: string;
  /** The texts that results and times come from. */
  readonly shaders: readonly Shader[];
  /**
   * What tests run: odd sizes, so that every tile has an edge, and a shape of each kind that the variants tell apart.
   */
  readonly shapes: readonly S[];
  /** A call of this shape on tensors of its own. */
  example(this: void, shape: S): Example;
  /** Where there is more than one way to run it. */
  readonly variants?: VariantChoice<S>;
}

/** One way to run a kernel. Plain data; its results differ from those of another variant by rounding alone. */
export interface Variant {
  /** Unique among the variants of a kernel: `rows 2x4x8`. */
  readonly name: string;
  /** The shader's file, where it is not the kernel's usual one. */
  readonly shader?: string;
  /** What makes it another variant: the shader's constants, and numbers that the host makes them from. */
  readonly constants: Readonly<Record<string, number>>;
}

/** The ways to run a kernel, and which of them runs where nothing was found by timing. */
export interface VariantChoice<S extends CallShape = CallShape> {
  /** The kernel's name. */
  readonly kernel: string;
  /** Those that can run on the adapter, where the call's activations are stored as `dtype`; never none. */
  of(caps: GpuCaps, shape: S, dtype: DType): readonly Variant[];
  /** The first row counts that speaks of the adapter and the shape and whose variant can run there. */
  readonly table: readonly TableRow<S>[];
  /** All of the shape as one line. */
  describe(shape: S): string;
}

/** Which variant runs on a class of adapters, for some shapes, and why. */
export interface TableRow<S extends CallShape = CallShape> {
  readonly adapter: AdapterClass | "any";
  /** Of which of them: those whose subgroups all have so many lanes. */
  readonly lanes?: number;
  /** Of which shapes it speaks; without it of all. */
  when?(shape: S): boolean;
  /** "tiled *" is the first of those whose names begin so. */
  readonly variant: string;
  readonly why: string;
  /** The adapter of that class on which it was measured; without it the row is reasoned. */
  readonly measured?: "lavapipe" | "SwiftShader";
}

/** A row for software adapters that was measured on lavapipe. */
/* @__NO_SIDE_EFFECTS__ */
export function onLavapipe(variant: string, why: string) {
  return { adapter: "software", variant, why, measured: "lavapipe" } as const;
}

/** A row for software adapters that was measured on SwiftShader. */
/* @__NO_SIDE_EFFECTS__ */
export function onSwiftShader(variant: string, why: string) {
  return { adapter: "software", variant, why, measured: "SwiftShader" } as const;
}

/** One for those alone whose subgroups have four lanes, as SwiftShader's. */
export function onQuads(variant: string, why: string) {
  return { ...onSwiftShader(variant, why), lanes: QUAD_LANES } as const;
}

/** Of the variants that can run here, the one of the table, and the row that says so. */
export interface TableChoice<S extends CallShape = CallShape> {
  readonly variant: Variant;
  readonly row: TableRow<S> | undefined;
}

/**
 * The variant that a call runs: the one given, one found by timing (`caps.choices`) where that can run here, else the
 * table's.
 */
export function choose<S extends CallShape>(
  caps: GpuCaps,
  choice: VariantChoice<S>,
  shape: S,
  dtype: DType,
  given?: Variant,
): { variant: Variant; call: KernelCall } {
  const { kernel } = choice;
  const variants = choice.of(caps, shape, dtype);
  const key = `${kernel} ${choice.describe(shape)}${dtype === "f32" ? "" : ` ${dtype}`}`;
  const chosen = caps.choices?.[key];
  const fallback = tableChoice(caps, choice, shape, variants).variant;
  const variant = given ?? variants.find(({ name }) => name === chosen) ?? fallback;
  return { variant, call: { kernel, key, shape, dtype, variant: variant.name, fallback: fallback.name } };
}

/** What the table says of a call, of which `variants` can run. */
export function tableChoice<S extends CallShape>(
  caps: GpuCaps,
  { table }: VariantChoice<S>,
  shape: S,
  variants: readonly Variant[],
): TableChoice<S> {
  for (const row of table) {
    if (row.adapter !== "any" && row.adapter !== caps.adapterClass) continue;
    if (row.lanes !== undefined && !hasSubgroupsOf(caps, row.lanes)) continue;
    if (row.when && !row.when(shape)) continue;
    const variant = variants.find(({ name }) => isNamed(name, row.variant));
    if (variant) return { variant, row };
  }
  return { variant: variants[0]!, row: undefined };
}

function isNamed(name: string, asked: string): boolean {
  return asked.endsWith("*") ? name.startsWith(asked.slice(0, -1)) : name === asked;
}
