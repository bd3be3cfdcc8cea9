import { formatShape } from "../gpu/tensor.ts";
import type { DispatchProfile, PlanProfile } from "../graph/profile.ts";
import { rooflineShare, type Roofline } from "../graph/roofline.ts";
import { bottomAxis, CHART_WIDTH, leftAxis, type Plot } from "./axes.ts";
import { formatCount } from "./format.ts";
import { attributes, px } from "./html.ts";
import { boxAround, boxesAlong, drawLabel, placeLabels } from "./labels.ts";
import { tipText } from "./profileFlame.ts";
import { formatNs, formatRate, formatShare } from "./profileTable.ts";
import { logDomain, logScale, logTicks, type Scale } from "./scale.ts";

const PLOT: Plot = { left: 70, right: CHART_WIDTH - 16, top: 16, bottom: 436 };
const AREA = { x: PLOT.left, y: PLOT.top, width: PLOT.right - PLOT.left, height: PLOT.bottom - PLOT.top };
/** Labels of the heaviest points, where there is room. */
const LABELS = 9;
/** Square pixels that a name may cover of other things. */
const MOST_COVERED = 12;

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
  if (drawn.length === 0) return `<p class="empty">No dispatch does arithmetic.</p>`;
  const whole = profile.dispatches.reduce((sum, { durationNs }) => sum + durationNs, 0);
  const heavy = heaviest(drawn);
  const ridge = roofline.gflops / roofline.gbPerSecond;
  const [speed, top] = [heavy.map((d) => d.flops / d.durationNs), roofline.gflops * 1.5];
  const x = logScale(logDomain([ridge, ...heavy.map((d) => d.flops / d.bytes)])!, [PLOT.left, PLOT.right]);
  const y = logScale(logDomain([top, ...speed])!, [PLOT.bottom, PLOT.top]);
  const within = (scale: Scale, value: number) => scale(Math.min(Math.max(value, scale.domain[0]), scale.domain[1]));
  const points = drawn
    .map((dispatch): Point => {
      const { flops, bytes, durationNs } = dispatch;
      const place = { x: within(x, flops / bytes), y: within(y, flops / durationNs) };
      return { dispatch, ...place, r: 2.5 + 26 * Math.sqrt(durationNs / whole) };
    })
    .sort((a, b) => b.r - a.r);
  const circles = points.map(({ dispatch, x: cx, y: cy, r }) => {
    const shape = { class: dispatch.phase, cx: px(cx), cy: px(cy), r: px(r) };
    return `<circle ${attributes({ ...shape, "data-tip": dispatchTip(dispatch, whole, roofline) })}/>`;
  });
  const corners = roofCorners(roofline, x, y);
  const roof = `M${corners.map((corner) => `${px(corner.x)} ${px(corner.y)}`).join("L")}`;
  const axes =
    leftAxis(PLOT, { scale: y, ticks: logTicks(y.domain), name: "GFLOP/s" }) +
    bottomAxis(PLOT, { scale: x, ticks: logTicks(x.domain), name: "FLOPs a byte" }, { grid: true });
  const clip = `<clipPath id="roofline-clip"><rect ${attributes(AREA)}/></clipPath>`;
  const description = `Roofline of ${formatCount(drawn.length)} dispatches`;
  const viewBox = `0 0 ${CHART_WIDTH} ${PLOT.bottom + 48}`;
  return (
    `<figure><div class="chart"><svg ${attributes({ viewBox, role: "img", "aria-label": description })}>` +
    `<defs>${clip}</defs>${axes}<g clip-path="url(#roofline-clip)"><path class="roof" d="${roof}"/></g>` +
    `${roofLabels(roofline, x, y)}<g class="points">${circles.join("")}</g>` +
    `${pointLabels(points, corners)}</svg></div>` +
    `<figcaption>${caption(roofline, profile.dispatches.length - drawn.length)}</figcaption></figure>`
  );
}

function caption({ gbPerSecond, gflops }: Roofline, without: number): string {
  const copies =
    without === 1
      ? "1 dispatch without arithmetic (a copy) has"
      : `${formatCount(without)} dispatches without arithmetic (copies) have`;
  return (
    `Each circle is a dispatch, its area its time. The lines are this adapter's ceilings, measured in the same run: ` +
    `${gbPerSecond.toFixed(1)}&nbsp;GB/s by a large copy and ${gflops.toFixed(1)}&nbsp;GFLOP/s by multiply-adds in ` +
    `registers. FLOPs are the useful ones and bytes the compulsory ones, so a circle above the sloping line had its ` +
    `data in a cache. Those beyond the axes, 3&nbsp;% of the time at most, lie on the edge.` +
    (without > 0 ? ` ${copies} no place here.` : "")
  );
}

/** Nearly all of the time: tiny sums at the end of reductions would stretch the axes over empty decades. */
function heaviest(dispatches: readonly DispatchProfile[]): DispatchProfile[] {
  const sorted = [...dispatches].sort((a, b) => b.durationNs - a.durationNs);
  const whole = sorted.reduce((sum, { durationNs }) => sum + durationNs, 0);
  let sum = 0;
  return sorted.filter(({ durationNs }) => (sum += durationNs) - durationNs < 0.97 * whole);
}

/** Both ceilings as one line: from the left edge up to the ridge, then flat to the right edge. */
function roofCorners({ gflops, gbPerSecond }: Roofline, x: Scale, y: Scale): { x: number; y: number }[] {
  const intensities = [x.domain[0], gflops / gbPerSecond, x.domain[1]];
  return intensities.map((intensity) => ({ x: x(intensity), y: y(Math.min(gflops, gbPerSecond * intensity)) }));
}

function roofLabels({ gflops, gbPerSecond }: Roofline, x: Scale, y: Scale): string {
  const at = px(y(gflops)) - 7;
  const slope = Math.max(gbPerSecond * x.domain[0], y.domain[0]) / gbPerSecond;
  const along = attributes({ class: "roof-label", x: px(x(slope) + 8), y: px(y(gbPerSecond * slope) - 14) });
  return (
    `<text ${attributes({ class: "roof-label", x: PLOT.right - 4, y: at, "text-anchor": "end" })}>` +
    `${gflops.toFixed(1)} GFLOP/s</text><text ${along}>${gbPerSecond.toFixed(1)} GB/s</text>`
  );
}

/** Names of the heaviest points, where there is room. */
function pointLabels(points: readonly Point[], roof: readonly { x: number; y: number }[]): string {
  const obstacles = [
    ...points.slice(LABELS).map(({ x, y, r }) => boxAround(x, y, r)),
    ...roof.slice(1).flatMap((to, i) => boxesAlong(roof[i]!, to)),
    // The upper ceiling's name.
    { x: PLOT.right - 110, y: roof.at(-1)!.y - 22, width: 110, height: 22 },
  ];
  const named = points.slice(0, LABELS).map(({ dispatch, x, y, r }) => ({ x, y, text: dispatch.label, radius: r }));
  const labels = placeLabels(named, AREA, obstacles).filter(({ covered }) => covered < MOST_COVERED);
  return `<g class="point-labels">${labels.map(drawLabel).join("")}</g>`;
}
