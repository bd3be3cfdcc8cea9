import { formatShape } from "../gpu/tensor.ts";
import { formatBytes } from "../gpu/gpu.ts";
import type { PlanProfile } from "../graph/profile.ts";
import type { Roofline } from "../graph/roofline.ts";
import { formatCount, MISSING } from "./format.ts";
import { memoryPeak, profileGroups, type GroupBy, type ProfileGroup } from "./profileGroups.ts";

/** Nanoseconds in the unit that fits: "830 ns", "12.4 us", "3.21 ms", "1.24 s". */
export function formatNs(ns: number): string {
  if (!Number.isFinite(ns)) return MISSING;
  const units = ["ns", "us", "ms", "s"];
  let value = ns;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const decimals = unit === 0 || Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return `${value.toFixed(decimals)} ${units[unit]}`;
}

export function formatShare(share: number | undefined): string {
  return share === undefined || !Number.isFinite(share) ? MISSING : `${(100 * share).toFixed(1)} %`;
}

/** Work over time in 10^9 a second: "12.3". */
export function formatRate(work: number, ns: number): string {
  if (ns <= 0 || work <= 0) return MISSING;
  const rate = work / ns;
  if (rate < 0.005) return "<0.01";
  return rate >= 99.95 ? formatCount(Math.round(rate)) : rate.toFixed(rate >= 9.995 ? 1 : 2);
}

const TITLES: Record<GroupBy, string> = { shader: "kernel", layer: "layer", phase: "phase", label: "dispatch" };
const NAME_WIDTH = 44;

interface Column {
  readonly heading: string;
  readonly width: number;
  cell(group: ProfileGroup): string;
}

const COLUMNS: readonly Column[] = [
  { heading: "calls", width: 7, cell: ({ count }) => formatCount(count) },
  { heading: "time", width: 10, cell: ({ ns }) => formatNs(ns) },
  { heading: "share", width: 8, cell: ({ share }) => formatShare(share) },
  { heading: "GFLOP/s", width: 9, cell: ({ flops, ns }) => formatRate(flops, ns) },
  { heading: "GB/s", width: 8, cell: ({ bytes, ns }) => formatRate(bytes, ns) },
  { heading: "roofline", width: 10, cell: ({ roofline }) => formatShare(roofline) },
];

/** The most expensive groups as a table; the rest in one line, so that the shares add up to the whole. */
export function groupLines(profile: PlanProfile, by: GroupBy, limit: number, roofline?: Roofline): string[] {
  const groups = profileGroups(profile.dispatches, by, roofline);
  const shown = groups.slice(0, limit);
  const rest = groups.slice(limit);
  const row = (group: ProfileGroup) =>
    shorten(group.name).padEnd(NAME_WIDTH) + COLUMNS.map((c) => c.cell(group).padStart(c.width)).join("");
  const lines = [
    TITLES[by].padEnd(NAME_WIDTH) + COLUMNS.map((c) => c.heading.padStart(c.width)).join(""),
    ...shown.map(row),
  ];
  if (rest.length === 0) return lines;
  const sum = (of: (group: ProfileGroup) => number) => rest.reduce((all, group) => all + of(group), 0);
  const allowed = sum(({ roofline: share = NaN, ns }) => share * ns);
  const ns = sum((group) => group.ns);
  return [
    ...lines,
    row({
      name: `${formatCount(rest.length)} ${rest.length === 1 ? "other" : "others"}`,
      count: sum(({ count }) => count),
      ns,
      share: sum(({ share }) => share),
      flops: sum(({ flops }) => flops),
      bytes: sum(({ bytes }) => bytes),
      roofline: ns > 0 && Number.isFinite(allowed) ? allowed / ns : undefined,
    }),
  ];
}

/** A path too long for its column loses its middle. */
function shorten(name: string): string {
  if (name.length < NAME_WIDTH) return name;
  const end = Math.floor((NAME_WIDTH - 2) * 0.6);
  return `${name.slice(0, NAME_WIDTH - 2 - end)}…${name.slice(name.length - end)}`;
}

/** How the replay was timed, what the host did, and what profiling cost. */
export function timeLines(profile: PlanProfile): string[] {
  const { timing, dispatches, gpu, host, overhead, emptyNs, repeats } = profile;
  const ms = (value: number) => formatNs(value * 1e6);
  const gap = gpu.spanNs - gpu.busyNs;
  const sum = dispatches.reduce((all, { durationNs }) => all + durationNs, 0);
  const walls = profile.replays.plain.map(({ encode, done }) => done - encode);
  const largest = dispatches.reduce<(typeof dispatches)[number] | undefined>(
    (a, b) => (b.gapNs > (a?.gapNs ?? 0) ? b : a),
    undefined,
  );
  const how =
    timing === "timestamps"
      ? `timestamps of the GPU, each dispatch in a pass of its own; an empty one takes ${formatNs(emptyNs)}`
      : `no timestamps here: each dispatch submitted alone and timed by wall, of which ${formatNs(emptyNs)} go ` +
        `into the submit`;
  const after = largest ? `, the longest of ${formatNs(largest.gapNs)} before ${largest.label}` : "";
  return [
    `timing      ${how}`,
    `            medians of ${formatCount(repeats)} profiled and ${formatCount(repeats)} ordinary replays in turn`,
    `dispatches  ${formatNs(sum)} by their medians; ${formatNs(gpu.spanNs)} from first to last in the median replay`,
    `gaps        ${formatNs(gap)} between dispatches (${formatShare(gpu.spanNs > 0 ? gap / gpu.spanNs : 0)})${after}`,
    `host        ${ms(host.prepareMs)} preparing, ${ms(host.encodeMs)} encoding and submitting, of ` +
      `${ms(host.wallMs)} wall time; the first replay took ${ms(host.firstMs)}`,
    `profiling   ${ms(overhead.wallMs)} wall time instead of ${ms(host.wallMs)}: ` +
      `${overhead.share >= 0 ? "+" : ""}${formatShare(overhead.share)}; ordinary replays took ` +
      `${formatNs(Math.min(...walls))} to ${formatNs(Math.max(...walls))}`,
  ];
}

const PEAK_SHOWN = 6;

/** Where memory peaks, and why. */
export function memoryLines(profile: PlanProfile): string[] {
  const { memory } = profile;
  const planned = memory.arenas.reduce((sum, bytes) => sum + bytes, 0);
  const { tensors: alive, lastUsedIn } = memoryPeak(profile);
  const reasons = [...lastUsedIn].map(
    ([phase, bytes]) => `${formatBytes(bytes)} ${phase === "the end" ? "kept to the end" : `last used in ${phase}`}`,
  );
  const rest = alive.slice(PEAK_SHOWN);
  const place = `command ${formatCount(memory.peak.command + 1)} of ${formatCount(memory.commands.length)}`;
  const ratio = memory.lowerBound > 0 ? ` (${(planned / memory.lowerBound).toFixed(3)} of the lower bound)` : "";
  return [
    `memory      ${formatBytes(planned)} planned${ratio}, and ${formatBytes(memory.externalBytes)} of parameters, ` +
      `states and inputs`,
    `peak        ${formatBytes(memory.peak.bytes)} alive at ${place}: ` +
      (memory.commands[memory.peak.command] ?? MISSING),
    ...(reasons.length > 0 ? [`why         ${reasons.join(", ")}`] : []),
    ...alive.slice(0, PEAK_SHOWN).map(({ label, shape, bytes, first, last, kept }) => {
      const until = kept ? "kept to the end" : `to ${formatCount(last + 1)}`;
      return (
        `  ${formatBytes(bytes).padStart(9)}  ${label} ${formatShape(shape)}, from command ` +
        `${formatCount(first + 1)} ${until}`
      );
    }),
    ...(rest.length > 0
      ? [
          `  ${formatBytes(rest.reduce((sum, { bytes }) => sum + bytes, 0)).padStart(9)}  in ` +
            `${formatCount(rest.length)} more`,
        ]
      : []),
  ];
}
