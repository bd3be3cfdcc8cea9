// How the median of each case moved from record to record of one adapter: a small chart for each.

import { attributes, escapeHtml, px } from "../../src/report/html.ts";
import { curvePath } from "../../src/report/paths.ts";
import { formatMilliseconds, formatSignificant } from "../../src/report/quantities.ts";
import { linearScale, logDomain, logScale } from "../../src/report/scale.ts";
import type { BenchRecord } from "../record.ts";
import { type AdapterRecords, folded, ownResults, partsOf, shortCommit } from "./model.ts";

const WIDTH = 216;
const HEIGHT = 78;
const MARGIN = { left: 8, right: 8, top: 10, bottom: 8 };

/** One measurement of a case: the record's place in time, and its median on the GPU where known. */
interface Moment {
  readonly record: BenchRecord;
  readonly index: number;
  readonly ms: number;
  readonly stable: boolean;
}

/** Panels of all cases with two or more records, in the order of the latest; an empty string where there are none. */
export function historyPanels({ records }: AdapterRecords): string {
  const names = [...new Set(records.toReversed().flatMap((record) => ownResults(record).map((result) => result.case)))];
  const suiteOf = (name: string): string => {
    const result = records.flatMap(ownResults).findLast((one) => one.case === name);
    return result!.suite;
  };
  const panels = (list: readonly string[]): string[] =>
    list.flatMap((name) => {
      const found = records.map((record) => ownResults(record).find((result) => result.case === name));
      // One clock for the whole curve: the GPU's only where every record has it.
      const onGpu = found.every((result) => result === undefined || result.gpuMs !== undefined);
      const moments = records.flatMap((record, index): Moment[] => {
        const result = found[index];
        if (!result) return [];
        return [{ record, index, ms: (onGpu ? result.gpuMs : undefined) ?? result.wallMs, stable: result.stable }];
      });
      return moments.length < 2 ? [] : [panel(name, moments, records, onGpu ? "GPU" : "wall")];
    });
  const parts = partsOf(names, suiteOf).flatMap(({ suite, items }) => {
    const drawn = panels(items);
    if (drawn.length === 0) return [];
    const grid = `<div class="history">${drawn.join("")}</div>`;
    return [suite === undefined ? grid : folded(suite, drawn.length, grid)];
  });
  return parts.join("");
}

function panel(name: string, moments: readonly Moment[], records: readonly BenchRecord[], clock: string): string {
  const x = linearScale([0, records.length - 1], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = logScale(logDomain(moments.map(({ ms }) => ms)) ?? [1, 2], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  // A record without the case leaves a gap.
  const points = records.map((_, index) => ({ x: index, y: moments.find((m) => m.index === index)?.ms ?? null }));
  const dots = moments.map(({ record, index, ms, stable }) => {
    const { context } = record;
    const unstable = stable ? "" : ", unstable";
    const told = `${context.date.slice(0, 10)}, ${shortCommit(context)}: ${formatMilliseconds(ms)}${unstable}`;
    const circle = attributes({ class: stable ? "dot" : "dot unstable", cx: px(x(index)), cy: px(y(ms)), r: 3 });
    return `<circle ${circle}><title>${escapeHtml(told)}</title></circle>`;
  });
  const [first, last] = [moments[0]!, moments.at(-1)!];
  const base = px(y(first.ms));
  const description = `${name}: ${moments.map(({ ms }) => formatMilliseconds(ms)).join(", ")}`;
  const svg = attributes({ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": description });
  return (
    `<div class="moment"><h3>${escapeHtml(name)}</h3><svg ${svg}><path class="base" d="M0 ${base}H${WIDTH}"/>` +
    `<path class="line" d="${curvePath(points, x, y)}"/>${dots.join("")}</svg>` +
    `<p><b>${formatMilliseconds(last.ms)}</b> ${clock}, ${change(last.ms / first.ms)} since the first</p></div>`
  );
}

/** "1.20× faster", "3 % slower", "the same". */
function change(ratio: number): string {
  const factor = Math.max(ratio, 1 / ratio);
  if (factor < 1.005) return "the same";
  const size = factor < 1.1 ? `${(100 * (factor - 1)).toFixed(0)}\u00a0%` : `${formatSignificant(factor)}×`;
  return `${size} ${ratio < 1 ? "faster" : "slower"}`;
}
