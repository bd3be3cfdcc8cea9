import { formatShape } from "../gpu/tensor.ts";
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
const LABELS = 9;
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
    ...(roofline && seconds > 0
      ? [`${formatShare(rooflineShare(roofline, { flops, bytes, seconds }))} of the roofline`]
      : []),
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
  const heavy = heaviest(drawn);
  const x = logScale(logDomain([ridge, ...heavy.map((d) => d.flops / d.bytes)])!, [LEFT, RIGHT]);
  const y = logScale(logDomain([roofline.gflops * 1.5, ...heavy.map((d) => d.flops / d.durationNs)])!, [BOTTOM, TOP]);
  const within = (scale: Scale, value: number) => scale(Math.min(Math.max(value, scale.domain[0]), scale.domain[1]));
  const points = drawn
    .map((dispatch): Point => {
      const { flops, bytes, durationNs } = dispatch;
      return {
        dispatch,
        x: within(x, flops / bytes),
        y: within(y, flops / durationNs),
        r: 2.5 + 26 * Math.sqrt(durationNs / whole),
      };
    })
    .sort((a, b) => b.r - a.r);
  const circles = points.map(({ dispatch, x: cx, y: cy, r }) => {
    const shape = attributes({
      class: dispatch.phase,
      cx: px(cx),
      cy: px(cy),
      r: px(r),
      "data-tip": dispatchTip(dispatch, whole, roofline),
    });
    return `<circle ${shape}/>`;
  });
  const inside = attributes({ x: LEFT, y: TOP, width: RIGHT - LEFT, height: BOTTOM - TOP });
  const clip = `<clipPath id="roofline-clip"><rect ${inside}/></clipPath>`;
  const description = `Roofline of ${formatCount(drawn.length)} dispatches`;
  const viewBox = `0 0 ${CHART_WIDTH} ${BOTTOM + 48}`;
  const svg = `<svg ${attributes({ viewBox, role: "img", "aria-label": description })}><defs>${clip}</defs>`;
  const copies =
    without === 1
      ? "1 dispatch without arithmetic (a copy) has"
      : `${formatCount(without)} dispatches without arithmetic (copies) have`;
  const none = without > 0 ? ` ${copies} no place here.` : "";
  return (
    `<figure><div class="chart">${svg}${axes(x, y)}<g clip-path="url(#roofline-clip)">${roof(roofline, x, y)}</g>` +
    `${roofLabels(roofline, x, y)}<g class="points">${circles.join("")}</g>` +
    `${pointLabels(points, y(roofline.gflops))}</svg></div>` +
    `<figcaption>Each circle is a dispatch, its area its time. The lines are this adapter's ceilings, measured in ` +
    `the same run: ${roofline.gbPerSecond.toFixed(1)}&nbsp;GB/s by a large copy and ` +
    `${roofline.gflops.toFixed(1)}&nbsp;GFLOP/s by multiply-adds in registers. FLOPs are the useful ones and bytes ` +
    `the compulsory ones, so a circle above the sloping line had its data in a cache. Those beyond the axes, ` +
    `3&nbsp;% of the time at most, lie on the edge.${none}</figcaption></figure>`
  );
}

/** Nearly all of the time: tiny sums at the end of reductions would stretch the axes over empty decades. */
function heaviest(dispatches: readonly DispatchProfile[]): DispatchProfile[] {
  const sorted = [...dispatches].sort((a, b) => b.durationNs - a.durationNs);
  const whole = sorted.reduce((sum, { durationNs }) => sum + durationNs, 0);
  let sum = 0;
  return sorted.filter(({ durationNs }) => (sum += durationNs) - durationNs < 0.97 * whole);
}

function axes(x: Scale, y: Scale): string {
  const rows = logTicks(y.domain).map(({ value, label }) => {
    const at = px(y(value));
    const line = `<path class="${label === undefined ? "grid minor" : "grid"}" d="M${LEFT} ${at}H${RIGHT}"/>`;
    return label === undefined
      ? line
      : `${line}<text x="${LEFT - 8}" y="${px(at + 4)}" text-anchor="end">${escapeHtml(label)}</text>`;
  });
  const columns = logTicks(x.domain).map(({ value, label }) => {
    const at = px(x(value));
    const line = `<path class="${label === undefined ? "grid minor" : "grid"}" d="M${at} ${TOP}V${BOTTOM}"/>`;
    return label === undefined
      ? line
      : `${line}<text x="${at}" y="${BOTTOM + 18}" text-anchor="middle">${escapeHtml(label)}</text>`;
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
  const at = px(y(gflops)) - 7;
  const slope = Math.max(gbPerSecond * x.domain[0], y.domain[0]) / gbPerSecond;
  const along = attributes({ class: "roof-label", x: px(x(slope) + 8), y: px(y(gbPerSecond * slope) - 14) });
  return (
    `<text ${attributes({ class: "roof-label", x: RIGHT - 4, y: at, "text-anchor": "end" })}>` +
    `${gflops.toFixed(1)} GFLOP/s</text><text ${along}>${gbPerSecond.toFixed(1)} GB/s</text>`
  );
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Names of the heaviest points, each at the nearest place where it covers neither another name nor a point. */
function pointLabels(points: readonly Point[], ceiling: number): string {
  const taken: Box[] = points.map(({ x, y, r }) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r }));
  // The ceiling, and its name at the right.
  taken.push({ left: LEFT, right: RIGHT, top: ceiling - 2, bottom: ceiling + 2 });
  taken.push({ left: RIGHT - 110, right: RIGHT, top: ceiling - 22, bottom: ceiling });
  const texts: string[] = [];
  for (const { dispatch, x, y, r } of points.slice(0, LABELS)) {
    const width = dispatch.label.length * 5.9 + 4;
    const box = places(x, y, r, width).find(
      (place) =>
        place.left >= LEFT + 2 &&
        place.right <= RIGHT &&
        place.top > TOP &&
        place.bottom < BOTTOM - 2 &&
        taken.every(
          (other) =>
            place.left > other.right ||
            place.right < other.left ||
            place.top > other.bottom ||
            place.bottom < other.top,
        ),
    );
    if (!box) continue;
    taken.push(box);
    const end = {
      x: Math.min(Math.max(x, box.left), box.right),
      y: y < box.top ? box.top : y > box.bottom ? box.bottom : y,
    };
    const far = Math.hypot(end.x - x, end.y - y) > r + 8;
    const leader = far ? `<path d="M${px(x)} ${px(y)}L${px(end.x)} ${px(end.y)}"/>` : "";
    texts.push(`${leader}<text x="${px(box.left + 2)}" y="${px(box.bottom - 3)}">${escapeHtml(dispatch.label)}</text>`);
  }
  return `<g class="point-labels">${texts.join("")}</g>`;
}

/** Where a name of that width may stand around a point, the nearest first. */
function places(x: number, y: number, r: number, width: number): Box[] {
  const at = (left: number, middle: number): Box => ({
    left,
    right: left + width,
    top: middle - 7,
    bottom: middle + 7,
  });
  const found: Box[] = [];
  for (let away = r + 5; away < 320; away += 7) {
    for (const angle of [0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 13, 5, 11]) {
      const [dx, dy] = [Math.cos((angle * Math.PI) / 8), Math.sin((angle * Math.PI) / 8)];
      const left = dx > 0.3 ? x + away * dx : dx < -0.3 ? x + away * dx - width : x + away * dx - width / 2;
      found.push(at(left, y + away * dy + 8 * dy));
    }
  }
  return found;
}
