// The figures themselves, as tables, and what the peers said that did not do a case.
import { formatCount, MISSING } from "../../src/report/format.ts";
import { escapeHtml } from "../../src/report/html.ts";
import { formatMilliseconds, formatSignificant } from "../../src/report/quantities.ts";
import type { BenchRecord, CaseResult } from "../record.ts";
import { memoryText } from "../table.ts";
import { type CaseOutcome, ownResults, peersOf, shortCommit } from "./model.ts";

/** Cells are HTML already. */
function table(label: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const heads = head.map((name, i) => `<th scope="col"${i === 0 ? ' class="name"' : ""}>${escapeHtml(name)}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => (i === 0 ? `<th scope="row" class="name">${cell}</th>` : `<td>${cell}</td>`));
    return `<tr>${cells.join("")}</tr>`;
  });
  return (
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}"><table><thead><tr>` +
    heads.join("") +
    `</tr></thead><tbody>${body.join("")}</tbody></table></div>`
  );
}

const relativeError = ({ error, right }: CaseResult): string => {
  const text = error === undefined ? MISSING : error.toExponential(1).replace("e+", "e");
  return right === false ? `<b class="wrong">${text} wrong</b>` : text;
};

/** Everything that a record says of our cases. */
export function ownTable(record: BenchRecord): string {
  const results = ownResults(record);
  const withMemory = results.some((result) => memoryText(result) !== undefined);
  const head = [
    ...["case", "shape", "GPU", "p10 to p90", "wall", "GFLOP/s", "GB/s", "of the roof", "error", "first run"],
    ...[...(withMemory ? ["memory"] : []), "samples", "variant"],
  ];
  const rows = results.map((result) => [
    escapeHtml(result.case),
    escapeHtml(result.shape),
    formatMilliseconds(result.gpuMs),
    `${formatMilliseconds(result.p10Ms)} to ${formatMilliseconds(result.p90Ms)}`,
    formatMilliseconds(result.wallMs),
    result.flops > 0 ? formatSignificant(result.gflops) : MISSING,
    result.bytes > 0 ? formatSignificant(result.gbPerSecond) : MISSING,
    result.roofline === undefined ? MISSING : `${formatSignificant(100 * result.roofline)} %`,
    relativeError(result),
    formatMilliseconds(result.firstMs),
    ...(withMemory ? [memoryText(result) ?? MISSING] : []),
    `${formatCount(result.samples)}${result.stable ? "" : ", unstable"}`,
    escapeHtml(result.variant ?? MISSING),
  ]);
  return table("cases of voxtwirl", head, rows);
}

/** Wall times of every engine, case by case. */
export function engineTable(record: BenchRecord, outcomes: readonly CaseOutcome[]): string {
  const peers = peersOf(record);
  const rows = outcomes.map(({ name, ours, peers: found }) => [
    escapeHtml(name),
    formatMilliseconds(ours.wallMs),
    ...peers.map((engine) => {
      const peer = found.find((one) => one.engine === engine);
      if (!peer) return MISSING;
      if (!peer.result) return `<span class="refused">${escapeHtml(peer.refusal!.why)}</span>`;
      const time = formatMilliseconds(peer.result.wallMs);
      return peer.result.right === false ? `<b class="wrong">${time} wrong</b>` : time;
    }),
  ]);
  return table("times of every engine", ["case", "voxtwirl", ...peers], rows);
}

/** The peers' own words in full, the same ones once. */
export function refusalList(record: BenchRecord): string {
  const groups = new Map<string, { why: string; message: string; engines: Map<string, string[]> }>();
  for (const { engine, why, message, case: name } of record.refusals) {
    const key = JSON.stringify([why, message]);
    const group = groups.get(key) ?? { why, message, engines: new Map<string, string[]>() };
    group.engines.set(engine, [...(group.engines.get(engine) ?? []), name === "*" ? "every case" : name]);
    groups.set(key, group);
  }
  const items = [...groups.values()].map(({ why, message, engines }) => {
    // Engines with the same words on the same cases stand together.
    const byCases = new Map<string, string[]>();
    for (const [engine, cases] of engines) {
      byCases.set(cases.join(", "), [...(byCases.get(cases.join(", ")) ?? []), engine]);
    }
    const who = [...byCases].map(([cases, names]) => `<b>${escapeHtml(names.join(", "))}</b>: ${escapeHtml(cases)}`);
    return `<li><p>${escapeHtml(why)} &middot; ${who.join("; ")}</p><pre>${escapeHtml(message.trim())}</pre></li>`;
  });
  return items.length === 0 ? "" : `<ul class="refusals">${items.join("")}</ul>`;
}

/** Workarounds of peers, each with the cases that needed it. */
export function workaroundList(record: BenchRecord): string {
  const groups = new Map<string, string[]>();
  for (const { engine, case: name, workarounds } of record.results) {
    for (const text of workarounds ?? []) {
      const key = `${engine}: ${text}`;
      groups.set(key, [...(groups.get(key) ?? []), name]);
    }
  }
  const items = [...groups].map(
    ([text, cases]) => `<li>${escapeHtml(text)} <span class="muted">(${escapeHtml(cases.join(", "))})</span></li>`,
  );
  return items.length === 0 ? "" : `<ul class="plain">${items.join("")}</ul>`;
}

/** The records of one adapter, newest first. */
export function recordTable(records: readonly BenchRecord[]): string {
  const rows = records
    .toReversed()
    .map(({ context, results, refusals }) => [
      escapeHtml(context.date.slice(0, 16).replace("T", " ")),
      escapeHtml(shortCommit(context)),
      escapeHtml(context.library_version),
      escapeHtml(context.adapter.driver || MISSING),
      escapeHtml(context.load_avg.map((load) => load.toFixed(1)).join(", ")),
      formatCount(results.length),
      formatCount(refusals.length),
    ]);
  return table("records", ["date", "commit", "version", "driver", "load", "results", "refusals"], rows);
}

/** Pairs for the list of what the latest record was made with. */
export function contextPairs({ context }: BenchRecord): [string, string][] {
  const { adapter, roofline, peers, load_avg: load } = context;
  return [
    ["adapter", `${adapter.name}${adapter.software ? " (software)" : ""}`],
    ["driver", adapter.driver || MISSING],
    ["processor", `${context.num_cpus} × ${context.cpu}`],
    ["date", context.date],
    ["commit", shortCommit(context)],
    ["load when it began", load.map((value) => value.toFixed(2)).join(", ")],
    ["voxtwirl", context.library_version],
    ["Node", context.node],
    ["webgpu (Dawn)", context.dawn || MISSING],
    ["copy", `${formatSignificant(roofline.gbPerSecond)} GB/s`],
    ["multiply-adds", `${formatSignificant(roofline.gflops)} GFLOP/s`],
    ["features", adapter.features?.join(", ") || MISSING],
    ...peers.map(({ name, version, notes }): [string, string] => [name, [version, ...(notes ?? [])].join("; ")]),
  ];
}
