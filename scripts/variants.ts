// The text of docs/variants.md, from the tables of the kernels. `npm run docs:variants` writes it.
import type { GpuCaps } from "../src/gpu/caps.ts";
import type { DType } from "../src/gpu/tensor.ts";
import { tableChoice, type CallShape, type TableRow, type VariantChoice } from "../src/kernels/kernel.ts";
import { kernelsWithVariants, type KernelWithVariants } from "../src/kernels/list.ts";
import { ADAPTERS, SHAPES } from "../test/kernels/tableCases.ts";

const INTRODUCTION = `# Which variant runs when

Written by \`npm run docs:variants\` from the tables beside the kernels; do not edit it by hand.

A kernel with variants has a table. Its rows are tried from the top: the first row that speaks of the adapter's class
and of the call's shape, and whose variant can run on this adapter, decides. What [\`voxtwirl tune\`](tuning.md) found
on an adapter comes before the table; \`voxtwirl tune --list\` shows what is chosen for each call of a preset, and why.

- A name that ends in \`*\` is the first variant that can run and whose name begins so.
- "On" names the adapters on which the row decides for some call, of those that the tests of the tables know. "Software
  without subgroups" is one of them; GPUs are NVIDIA's, AMD's, Intel's, Apple's and unknown ones.
- A row for some shapes has its condition in the source. Here stands one call that it decides.
- A row either was measured, on the adapter named, or is reasoned. No row was measured on a GPU yet.
`;

interface Decided {
  readonly adapter: string;
  readonly caps: GpuCaps;
  readonly shape: CallShape;
}

/** Markdown, not yet wrapped. */
export function variantsPage(): string {
  const kernels = kernelsWithVariants().toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [INTRODUCTION, ...kernels.map(section)].join("\n");
}

function section(kernel: KernelWithVariants): string {
  const decided = decisions(kernel);
  const { variants } = kernel;
  const rows = variants.table.map((row, i) => `${i + 1}. ${rowText(row, variants, decided.get(row) ?? [])}`);
  return `## ${kernel.name}\n\n${rows.join("\n")}\n`;
}

/** The calls that each row decides, on every adapter and for every shape that the tests of the tables know. */
function decisions({ name, variants }: KernelWithVariants): Map<TableRow | undefined, Decided[]> {
  const found = new Map<TableRow | undefined, Decided[]>(variants.table.map((row) => [row, []]));
  for (const [adapter, caps] of Object.entries(ADAPTERS)) {
    const types: readonly DType[] = caps.subgroupMatrices.length > 0 ? ["f32", "f16"] : ["f32"];
    for (const dtype of types) {
      for (const shape of SHAPES[name]!) {
        const { row } = tableChoice(caps, variants, shape, variants.of(caps, shape, dtype));
        found.get(row)?.push({ adapter, caps, shape });
      }
    }
  }
  return found;
}

function rowText(row: TableRow, variants: VariantChoice, decided: readonly Decided[]): string {
  const shapes =
    row.when && decided[0] ? `some shapes, such as \`${variants.describe(decided[0].shape)}\`` : "all that are left";
  const measured = row.measured === undefined ? "Reasoned" : `Measured on ${row.measured}`;
  return `\`${row.variant}\`, on ${adaptersText(decided)}, for ${shapes}. ${measured}: ${row.why}.`;
}

function adaptersText(decided: readonly Decided[]): string {
  const isSoftware = ({ caps }: Decided) => caps.adapterClass === "software";
  if (decided.every(({ caps }) => caps.subgroupMatrices.length > 0)) return "adapters with subgroup matrices";
  const software = new Set(decided.filter(isSoftware).map(({ adapter }) => adapter.replace(" with matrices", "")));
  return [...software, ...(decided.every(isSoftware) ? [] : ["GPUs"])].join(", ");
}
