import { formatBytes } from "../src/gpu/gpu.ts";
import { columns } from "../src/report/columns.ts";
import { formatCount } from "../src/report/format.ts";
import type { BenchRecord, CaseResult, Refusal } from "./record.ts";

// The record as text: a line for each case on our engine, and under it one for each peer.

const HEAD = [
  "case",
  "gpu ms",
  "p10-p90",
  "wall ms",
  "GFLOP/s",
  "GB/s",
  "roofline",
  "first ms",
  "compile ms",
  "memory",
  "error",
  "n",
  "peer/ours",
];

export function resultTable(results: readonly CaseResult[], refusals: readonly Refusal[]): string[] {
  const rows = [HEAD, ...results.map(resultRow)];
  const used = HEAD.map((_, i) => rows.slice(1).some((row) => row[i] !== ""));
  const lines = columns(
    rows.map((row) => row.filter((_, i) => used[i])),
    (i) => i === 0,
  );
  // Under a comparison the kernels' variants would only be in the way.
  const alone = results.every(({ engine }) => engine === "voxtwirl");
  const table = results.flatMap(({ variant }, i) => [lines[i + 1]!, ...(alone && variant ? [`    ${variant}`] : [])]);
  return [lines[0]!, ...table, ...notes(results), ...refusalLines(refusals)];
}

function resultRow(result: CaseResult): string[] {
  const ours = result.ratio === undefined && result.engine === "voxtwirl";
  return [
    ours ? `${result.case}  ${result.shape}` : `  ${result.engine}`,
    result.gpuMs === undefined ? "" : number(result.gpuMs),
    `${number(result.p10Ms)}-${number(result.p90Ms)}`,
    number(result.wallMs),
    result.flops > 0 ? number(result.gflops) : "",
    number(result.gbPerSecond),
    result.roofline === undefined ? "" : `${(100 * result.roofline).toFixed(result.roofline < 0.1 ? 1 : 0)} %`,
    number(result.firstMs),
    result.compileMs === undefined ? "" : number(result.compileMs),
    memoryText(result) ?? "",
    errorText(result),
    `${result.samples}${result.stable ? "" : "*"}`,
    result.ratio === undefined ? "" : number(result.ratio),
  ];
}

/** What is planned, and how many times the least that is. */
export function memoryText({ plannedBytes, lowerBoundBytes }: CaseResult): string | undefined {
  if (plannedBytes === undefined || lowerBoundBytes === undefined) return undefined;
  return `${formatBytes(plannedBytes)} (${(plannedBytes / lowerBoundBytes).toFixed(3)})`;
}

function errorText({ error, right }: CaseResult): string {
  if (error === undefined) return "not checked";
  return `${error.toExponential(1)}${right ? "" : " WRONG"}`;
}

function notes(results: readonly CaseResult[]): string[] {
  const lines: string[] = [];
  if (results.some((result) => memoryText(result) !== undefined)) {
    lines.push("memory: what the plan of a step takes for its tensors, and in brackets over the least that any could");
  }
  if (results.some(({ stable }) => !stable)) {
    lines.push("* fewer than six samples, or medians of halves of the samples more than 5 % apart");
  }
  if (results.some(({ ratio }) => ratio !== undefined)) {
    lines.push("peer/ours: median over the interleaved rounds of the peer's wall time / ours");
  }
  const workarounds = new Set(
    results.flatMap(({ engine, workarounds = [] }) => workarounds.map((text) => `${engine}: ${text}`)),
  );
  return [...lines, ...workarounds];
}

function refusalLines(refusals: readonly Refusal[]): string[] {
  return refusals.map(({ case: name, engine, why, message }) => {
    const what = name === "*" ? "" : ` on ${name}`;
    return `${engine}${what}: ${why}: ${message.trim().replaceAll("\n", "\n    ")}`;
  });
}

/** What the run was made on. */
export function contextLines(context: BenchRecord["context"]): string[] {
  const { adapter, cpu, num_cpus, load_avg, node, dawn, commit, dirty, library_version, roofline, cache_bytes } =
    context;
  const busy =
    load_avg[0]! > 0.5 ? ["others were using this machine when the run began: trust ratios rather than times"] : [];
  const source = commit ? `, commit ${commit.slice(0, 10)}${dirty ? " with changes" : ""}` : "";
  return [
    `${adapter.name} (${adapter.driver}), ${cpu}, ${num_cpus} threads, load ` +
      load_avg.map((load) => load.toFixed(2)).join(" "),
    `voxtwirl ${library_version}${source}, Node ${node.slice(1)}, webgpu ${dawn}`,
    `roofline: ${number(roofline.gflops)} GFLOP/s of multiply-adds, ${number(roofline.gbPerSecond)} GB/s of a ` +
      `large copy; inputs that a cache of ${Math.round(cache_bytes / 2 ** 20)} MiB would hold take turns`,
    ...(adapter.tuned ? [`variants by voxtwirl tune for ${adapter.tuned} calls; --no-tuning takes the table's`] : []),
    ...busy,
  ];
}

/** Three digits. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value >= 1000) return formatCount(value);
  return value.toPrecision(value >= 100 ? 3 : value >= 0.01 ? 3 : 1);
}
