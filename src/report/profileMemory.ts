import { formatShape } from "../gpu/tensor.ts";
import { formatBytes } from "../gpu/gpu.ts";
import type { PlanProfile } from "../graph/profile.ts";
import { CHART_WIDTH } from "./chart.ts";
import { formatCount } from "./format.ts";
import { attributes, escapeHtml } from "./html.ts";
import { tipText } from "./profileFlame.ts";
import { commandPhases } from "./profileGroups.ts";
import { linearScale, niceStep, type Scale } from "./scale.ts";

const LEFT = 76;
const RIGHT = CHART_WIDTH - 16;
const CURVE = { top: 22, bottom: 112 };
const MAP = { top: 142, bottom: 522 };
const STRIP = { top: 530, height: 10 };
const px = (value: number) => Math.round(value * 100) / 100;

/** Living bytes over the commands of a replay, and below it every tensor as a rectangle: when by where. */
export function memoryChart(profile: PlanProfile): string {
  const { memory } = profile;
  const planned = memory.arenas.reduce((sum, bytes) => sum + bytes, 0);
  if (planned === 0) return `<p class="empty">The plan has no memory of its own.</p>`;
  const x = linearScale([0, memory.commands.length], [LEFT, RIGHT]);
  const space = linearScale([0, planned], [MAP.bottom, MAP.top]);
  const live = linearScale([0, memory.peak.bytes], [CURVE.bottom, CURVE.top]);
  const { commands, tensors } = memory;
  const description = `Memory over ${commands.length} commands: ${tensors.length} tensors in ${formatBytes(planned)}`;
  const peakAt = px(x(memory.peak.command + 0.5));
  const anchor = peakAt > (LEFT + RIGHT) / 2 ? "end" : "start";
  const labelAt = { x: peakAt + (anchor === "end" ? -6 : 6), y: CURVE.top - 8, "text-anchor": anchor };
  const peak =
    `<path class="peak" d="M${peakAt} ${CURVE.top - 6}V${MAP.bottom}"/>` +
    `<text ${attributes({ class: "peak-label", ...labelAt })}>` +
    `peak: ${formatBytes(memory.peak.bytes)} at command ${formatCount(memory.peak.command + 1)}, ` +
    `${escapeHtml(commands[memory.peak.command]!)}</text>`;
  const parts = [
    byteAxis(live, memory.peak.bytes, 2, "alive"),
    byteAxis(space, planned, 6, "offset"),
    curve(memory.liveBytes, x, live),
    rectangles(profile, x, space),
    strip(profile, x),
    commandAxis(x, memory.commands.length),
    peak,
  ];
  const ratio = memory.lowerBound > 0 ? (planned / memory.lowerBound).toFixed(3) : "1";
  const svg = attributes({ viewBox: `0 0 ${CHART_WIDTH} 590`, role: "img", "aria-label": description });
  return (
    `<figure><div class="chart"><svg ${svg}>${parts.join("")}</svg></div>` +
    `<figcaption>Above the bytes alive at each command, below the planner's placement: a rectangle is a tensor, from ` +
    `its first command to its last, in the colour of the phase that wrote it. ${formatBytes(planned)} are planned, ` +
    `${ratio} of the lower bound; parameters, states and inputs take ${formatBytes(memory.externalBytes)} more.` +
    `</figcaption></figure>`
  );
}

function rectangles(profile: PlanProfile, x: Scale, space: Scale): string {
  const { memory } = profile;
  const phases = commandPhases(profile);
  const starts: number[] = [];
  memory.arenas.reduce((sum, bytes) => (starts.push(sum), sum + bytes), 0);
  const drawn = memory.tensors.map(({ label, shape, arena, offset, bytes, first, last, kept }) => {
    const left = x(first);
    const width = x(last + 1) - left;
    const top = space(starts[arena]! + offset + bytes);
    const height = space(starts[arena]! + offset) - top;
    const tip = tipText(`${label} ${formatShape(shape)}`, [
      `${formatBytes(bytes)} at offset ${formatBytes(offset)} of arena ${arena}`,
      `commands ${formatCount(first + 1)} to ${formatCount(last + 1)}${kept ? ", kept to the end" : ""}`,
      `written by ${memory.commands[first]}`,
    ]);
    const box = attributes({
      class: phases[first],
      x: px(left),
      y: px(top),
      width: px(width),
      height: px(height),
      "data-tip": tip,
    });
    const fits = height > 11 && width > label.length * 5.6 + 8;
    const name = fits ? `<text x="${px(left + 4)}" y="${px(top + height / 2 + 3.5)}">${escapeHtml(label)}</text>` : "";
    return `<rect ${box}/>${name}`;
  });
  return `<g class="tensors">${drawn.join("")}</g>`;
}

function curve(bytes: readonly number[], x: Scale, y: Scale): string {
  let path = `M${px(x(0))} ${px(y(0))}`;
  bytes.forEach((value, i) => (path += `L${px(x(i))} ${px(y(value))}L${px(x(i + 1))} ${px(y(value))}`));
  return `<path class="living" d="${path}L${px(x(bytes.length))} ${px(y(0))}Z"/>`;
}

/** The phases along the axis of commands. */
function strip(profile: PlanProfile, x: Scale): string {
  const phases = commandPhases(profile);
  const runs: string[] = [];
  for (let from = 0; from < phases.length;) {
    let to = from + 1;
    while (to < phases.length && phases[to] === phases[from]) to++;
    const tip = `${phases[from]}\ncommands ${formatCount(from + 1)} to ${formatCount(to)}`;
    const place = { x: px(x(from)), y: STRIP.top, width: px(x(to) - x(from)), height: STRIP.height };
    runs.push(`<rect ${attributes({ class: phases[from], ...place, "data-tip": tip })}/>`);
    from = to;
  }
  return `<g class="strip">${runs.join("")}</g>`;
}

function byteAxis(scale: Scale, most: number, count: number, title: string): string {
  // Steps that are whole in the unit shown.
  const unit = 2 ** (10 * Math.floor(Math.log2(Math.max(most, 1)) / 10));
  const step = niceStep(most / unit, count) * unit;
  const ticks: string[] = [];
  for (let i = 0; i * step <= most; i++) {
    const at = px(scale(i * step));
    const text = i === 0 ? "0" : formatBytes(i * step).replace(/\.0+ /, " ");
    ticks.push(
      `<path class="grid" d="M${LEFT} ${at}H${RIGHT}"/>` +
        `<text x="${LEFT - 7}" y="${px(at + 4)}" text-anchor="end">${text}</text>`,
    );
  }
  const middle = (scale(0) + scale(most)) / 2;
  const name = `<text transform="translate(12 ${px(middle)}) rotate(-90)" text-anchor="middle">${title}</text>`;
  return `<g class="axes">${ticks.join("")}${name}</g>`;
}

function commandAxis(x: Scale, count: number): string {
  const step = Math.max(1, niceStep(count, 8));
  const bottom = STRIP.top + STRIP.height;
  const ticks: string[] = [];
  for (let value = step; value <= count; value += step) {
    const at = px(x(value - 0.5));
    ticks.push(
      `<path class="tick" d="M${at} ${bottom}v4"/>` +
        `<text x="${at}" y="${bottom + 18}" text-anchor="middle">${formatCount(value)}</text>`,
    );
  }
  return (
    `<g class="axes">${ticks.join("")}` +
    `<text x="${(LEFT + RIGHT) / 2}" y="${bottom + 38}" text-anchor="middle">command</text></g>`
  );
}
