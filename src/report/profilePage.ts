import { requireObject } from "../check.ts";
import { formatBytes } from "../gpu/gpu.ts";
import type { PlanProfile } from "../graph/profile.ts";
import { rooflineShare, type Roofline } from "../graph/roofline.ts";
import { formatCount } from "./format.ts";
import { headlineHtml } from "./headline.ts";
import { definitionList, escapeHtml, scrollTable } from "./html.ts";
import { htmlPage, section, SELF_CONTAINED } from "./page.ts";
import { flameChart } from "./profileFlame.ts";
import { profileGroups, type GroupBy } from "./profileGroups.ts";
import { memoryChart } from "./profileMemory.ts";
import { rooflineChart } from "./profileRoofline.ts";
import { PROFILE_SCRIPT } from "./profileScript.ts";
import { PROFILE_STYLE } from "./profileStyle.ts";
import { formatNs, formatRate, formatShare } from "./profileTable.ts";

/** What a profile page is made from. */
export interface ProfilePageInput {
  readonly title: string;
  readonly profile: PlanProfile;
  readonly roofline: Roofline;
}

/** A profile as one HTML file that needs nothing else: a flame of the layers, a roofline, the memory map, tables. */
export function renderProfile(input: ProfilePageInput): string {
  requireObject("input", input, "Give { title, profile, roofline }.");
  const { title, profile, roofline } = input;
  requireObject("profile", profile, "Give what plan.profile() resolves to.");
  const sections = [
    section(
      "Where the time goes",
      `${phaseLegend(profile)}${flameChart(profile, roofline)}<p class="caption">` +
        `Each row divides the one above: phases, the parts of a layer's name, kernels. Click to look closer, on the ` +
        `top row to go back.</p>`,
    ),
    section("Roofline", phaseLegend(profile) + rooflineChart(profile, roofline)),
    section("Memory", phaseLegend(profile) + memoryChart(profile)),
    section(
      "Tables",
      (["phase", "shader", "layer"] as const).map((by) => groupTable(profile, by, roofline)).join("") +
        dispatchTable(profile, roofline),
    ),
    section("How it was measured", definitionList(measured(profile))),
  ];
  return htmlPage({
    title,
    style: PROFILE_STYLE,
    script: PROFILE_SCRIPT,
    header: `<p class="eyebrow">voxtwirl profile</p>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(profile.adapter)}</p>
${headline(profile, roofline)}`,
    body: sections.join("\n"),
    footer: SELF_CONTAINED,
  });
}

function phaseLegend(profile: PlanProfile): string {
  const phases = [...new Set(profile.dispatches.map(({ phase }) => phase))];
  return `<ul class="phases">${phases.map((phase) => `<li class="${phase}"><i></i>${phase}</li>`).join("")}</ul>`;
}

function headline(profile: PlanProfile, roofline: Roofline): string {
  const { host, overhead, memory, dispatches } = profile;
  const work = dispatches.reduce((sum, d) => sum + d.flops, 0);
  const all = profileGroups(dispatches, "phase", roofline);
  const ns = all.reduce((sum, group) => sum + group.ns, 0);
  const allowed = all.reduce((sum, group) => sum + (group.roofline ?? 0) * group.ns, 0);
  const planned = memory.arenas.reduce((sum, bytes) => sum + bytes, 0);
  const figures: [string, string, string][] = [
    ["wall time", formatNs(host.wallMs * 1e6), `of which ${formatNs(host.encodeMs * 1e6)} encoding and submitting`],
    [
      "dispatches",
      formatCount(dispatches.length),
      `${formatNs(ns)}, ${formatRate(work, ns)} GFLOP/s; profiling ` +
        `${overhead.share >= 0 ? "+" : ""}${formatShare(overhead.share)}`,
    ],
    ["of the roofline", formatShare(ns > 0 ? allowed / ns : 0), "all dispatches together"],
    ["memory", formatBytes(planned), `peak of ${formatBytes(memory.peak.bytes)} alive`],
  ];
  return headlineHtml(figures.map(([name, value, more]) => ({ name, value, more })));
}

const NAMES: Record<GroupBy, string> = { phase: "phase", shader: "kernel", layer: "layer", label: "dispatch" };

function groupTable(profile: PlanProfile, by: GroupBy, roofline: Roofline): string {
  const rows = profileGroups(profile.dispatches, by, roofline).map((group) => [
    escapeHtml(group.name),
    formatCount(group.count),
    ...figures(group.ns, group.share, group.flops, group.bytes, group.roofline),
  ]);
  return `<h3 class="table">By ${NAMES[by]}</h3>${scrollTable(`by ${NAMES[by]}`, [NAMES[by], "dispatches", ...FIGURES], rows)}`;
}

function dispatchTable(profile: PlanProfile, roofline: Roofline): string {
  const whole = profile.dispatches.reduce((sum, { durationNs }) => sum + durationNs, 0);
  const sorted = [...profile.dispatches].sort((a, b) => b.durationNs - a.durationNs);
  const rows = sorted.map((d) => {
    const share = d.durationNs > 0 ? rooflineShare(roofline, { ...d, seconds: d.durationNs / 1e9 }) : undefined;
    return [
      `<span class="dot ${d.phase}"></span>${escapeHtml(d.label)}`,
      escapeHtml(d.shader),
      ...figures(d.durationNs, whole > 0 ? d.durationNs / whole : 0, d.flops, d.bytes, share),
    ];
  });
  return `<h3 class="table">By dispatch</h3>${scrollTable("by dispatch", ["dispatch", "kernel", ...FIGURES], rows)}`;
}

const FIGURES = ["time", "share", "GFLOP/s", "GB/s", "roofline"];

function figures(ns: number, share: number, flops: number, bytes: number, roofline: number | undefined): string[] {
  return [formatNs(ns), formatShare(share), formatRate(flops, ns), formatRate(bytes, ns), formatShare(roofline)].map(
    escapeHtml,
  );
}

function measured(profile: PlanProfile): [string, string][] {
  const { timing, repeats, emptyNs, host, overhead, gpu, replays } = profile;
  const ms = (value: number) => formatNs(value * 1e6);
  const wall = timing === "wall";
  return [
    ["timing", wall ? "a submit for each dispatch, by wall time" : "GPU timestamps, a pass for each dispatch"],
    [wall ? "an empty submit" : "an empty pass", formatNs(emptyNs)],
    ["replays", `${repeats} profiled and ${repeats} ordinary in turn, medians`],
    ["first dispatch to last", formatNs(gpu.spanNs)],
    ["gaps between dispatches", formatNs(gpu.spanNs - gpu.busyNs)],
    ["first replay, which may compile", ms(host.firstMs)],
    ["preparing", ms(host.prepareMs)],
    ["encoding, profiled", ms(overhead.encodeMs)],
    ["wall time, profiled", ms(overhead.wallMs)],
    ["GPU's clock against the host's", wall ? "one clock" : `within ${formatNs(replays.clockUncertaintyNs)}`],
  ];
}
