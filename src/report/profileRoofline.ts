import { formatShape } from "../gpu/dispatch.ts";
import type { DispatchProfile, PlanProfile } from "../graph/profile.ts";
import { rooflineShare, type Roofline } from "../graph/roofline.ts";
import { CHART_WIDTH } from "./chart.ts";
import { formatCount } from "./format.ts";
import { attributes, escapeHtml } from "./html.ts";
import { tipText } from "./profileFlame.ts";
import { formatNs, formatRate, formatShare } from "./profileTable.ts";
import { logDomain, logScale, logTicks, type Scale } from "./scale.ts";

const LEFT = 70;
const RIGHT = CHART_WIDTH - 16;
const TOP = 16;
const BOTTOM = 436;
/** Labels of the heaviest points, where there is room. */
const LABELS = 12;
const px = (value: number) => Math.round(value * 100) / 100;

interface Point {
  readonly dispatch: DispatchProfile;
  readonly x: number;
  readonly y: number;
  readonly r: number;
}

/** What is known of a dispatch, for a tooltip. */
export function dispatchTip(dispatch: DispatchProfile, whole: number, roofline?: Roofline): string {
  const { label, variant, durationNs, flops, bytes, workgroups, tensors, phase } = dispatch;
  const seconds = durationNs / 1e9;
  return tipText(label, [
    `${variant}, ${phase}`,
    `${formatNs(durationNs)}, ${formatShare(durationNs / whole)} of all dispatches`,
    `${formatRate(flops, durationNs)} GFLOP/s, ${formatRate(bytes, durationNs)} GB/s`,
    ...(roofline && seconds > 0 ? [`${formatShare(rooflineShare(roofline, { flops, bytes, seconds }))} of the roofline`] : []),
    `workgroups ${workgroups.join(" x ")}`,
    ...tensors.map((tensor) => `${tensor.binding}: ${tensor.label} ${formatShape(tensor.shape)}`),
  ]);
}

/** GFLOP/s over FLOPs a byte, both logarithmic, below the two ceilings. Sizes of points go with their time. */
export function rooflineChart(profile: PlanProfile, roofline: Roofline): string {
  const drawn = profile.dispatches.filter(({ flops, bytes, durationNs }) => flops > 0 && bytes > 0 && durationNs > 0);
  const without = profile.dispatches.length - drawn.length;
  if (drawn.length === 0) return `<p class="empty">No dispatch does arithmetic.</p>`;
  const whole = profile.dispatches.reduce((sum, { durationNs }) => sum + durationNs, 0);
  const ridge = roofline.gflops / roofline.gbPerSecond;
  const x = logScale(logDomain([ridge, ...drawn.map((d) => d.flops / d.bytes)])!, [LEFT, RIGHT]);
  const y = logScale(logDomain([roofline.gflops, ...drawn.map((d) => d.flops / d.durationNs)])!, [BOTTOM, TOP]);
  const points = drawn
    .map((dispatch): Point => {
      const { flops, bytes, durationNs } = dispatch;
      return { dispatch, x: x(flops / bytes), y: y(flops / durationNs), r: 2.5 + 26 * Math.sqrt(durationNs / whole) };
    })
    .sort((a, b) => b.r - a.r);
  const circles = points.map(({ dispatch, x: cx, y: cy, r }) => {
    const shape = attributes({ class: dispatch.phase, cx: px(cx), cy: px(cy), r: px(r), "data-tip": dispatchTip(dispatch, whole, roofline) });
    return `<circle ${shape}/>`;
  });
  const clip = `<clipPath id="roofline-clip"><rect ${attributes({ x: LEFT, y: TOP, width: RIGHT - LEFT, height: BOTTOM - TOP })}/></clipPath>`;
  const description = `Roofline of ${formatCount(drawn.length)} dispatches`;
  const svg = `<svg ${attributes({ viewBox: `0 0 ${CHART_WIDTH} ${BOTTOM + 48}`, role: "img", "aria-label": description })}><defs>${clip}</defs>`;
  const none = without > 0 ? ` ${formatCount(without)} dispatches without arithmetic (copies) have no place here.` : "";
  return (
    `<figure><div class="chart">${svg}${axes(x, y)}<g clip-path="url(#roofline-clip)">${roof(roofline, x, y)}</g>` +
    `${roofLabels(roofline, x, y)}<g class="points">${circles.join("")}</g>${pointLabels(points)}</svg></div>` +
    `<figcaption>Each circle is a dispatch, its area its time. The lines are this adapter's ceilings, measured in the same run: ` +
    `${roofline.gbPerSecond.toFixed(1)}&nbsp;GB/s by a large copy and ${roofline.gflops.toFixed(1)}&nbsp;GFLOP/s by multiply-adds in registers. ` +
    `FLOPs are the useful ones and bytes the compulsory ones, so a circle above the sloping line had its data in a cache.${none}</figcaption></figure>`
  );
}

function axes(x: Scale, y: Scale): string {
  const rows = logTicks(y.domain).map(({ value, label }) => {
    const at = px(y(value));
    const line = `<path class="${label === undefined ? "grid minor" : "grid"}" d="M${LEFT} ${at}H${RIGHT}"/>`;
    return label === undefined ? line : `${line}<text x="${LEFT - 8}" y="${px(at + 4)}" text-anchor="end">${escapeHtml(label)}</text>`;
  });
  const columns = logTicks(x.domain).map(({ value, label }) => {
    const at = px(x(value));
    const line = `<path class="${label === undefined ? "grid minor" : "grid"}" d="M${at} ${TOP}V${BOTTOM}"/>`;
    return label === undefined ? line : `${line}<text x="${at}" y="${BOTTOM + 18}" text-anchor="middle">${escapeHtml(label)}</text>`;
  });
  return (
    `<g class="axes">${rows.join("")}${columns.join("")}<path class="axis" d="M${LEFT} ${BOTTOM}H${RIGHT}"/>` +
    `<text x="${(LEFT + RIGHT) / 2}" y="${BOTTOM + 40}" text-anchor="middle">FLOPs a byte</text>` +
    `<text transform="translate(14 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text></g>`
  );
}

/** Both ceilings as one line: rising to the ridge, then flat. */
function roof({ gflops, gbPerSecond }: Roofline, x: Scale, y: Scale): string {
  const [low, high] = x.domain;
  const ridge = gflops / gbPerSecond;
  const at = (intensity: number) => `${px(x(intensity))} ${px(y(Math.min(gflops, gbPerSecond * intensity)))}`;
  return `<path class="roof" d="M${at(low)}L${at(Math.min(Math.max(ridge, low), high))}L${at(high)}"/>`;
}

function roofLabels({ gflops, gbPerSecond }: Roofline, x: Scale, y: Scale): string {
  const at = px(y(gflops)) + 16;
  const slope = Math.max(gbPerSecond * x.domain[0], y.domain[0]) / gbPerSecond;
  const sloping = `<text ${attributes({ class: "roof-label", x: px(x(slope) + 8), y: px(y(gbPerSecond * slope) - 14) })}>${gbPerSecond.toFixed(1)} GB/s</text>`;
  return `<text ${attributes({ class: "roof-label", x: RIGHT - 4, y: at, "text-anchor": "end" })}>${gflops.toFixed(1)} GFLOP/s</text>${sloping}`;
}

/** Names of the heaviest points, each on the first side where it covers no other name. */
function pointLabels(points: readonly Point[]): string {
  const taken: { left: number; right: number; y: number }[] = [];
  const texts: string[] = [];
  for (const { dispatch, x, y, r } of points.slice(0, LABELS)) {
    const width = dispatch.label.length * 6.1 + 4;
    const places = [
      { left: x + r + 4, y: y + 4 },
      { left: x - r - 4 - width, y: y + 4 },
      { left: x - width / 2, y: y - r - 5 },
      { left: x - width / 2, y: y + r + 13 },
    ];
    const free = places.find(({ left, y: at }) =>
      left >= LEFT && left + width <= RIGHT && at > TOP + 8 && at < BOTTOM - 2 &&
      taken.every((other) => left > other.right || left + width < other.left || Math.abs(at - other.y) > 13));
    if (!free) continue;
    taken.push({ left: free.left, right: free.left + width, y: free.y });
    texts.push(`<text x="${px(free.left)}" y="${px(free.y)}">${escapeHtml(dispatch.label)}</text>`);
  }
  return `<g class="point-labels">${texts.join("")}</g>`;
}
