import type { PlanProfile } from "../graph/profile.ts";
import { rooflineSeconds, type Roofline } from "../graph/roofline.ts";
import { formatCount } from "./format.ts";
import { attributes, escapeHtml } from "./html.ts";
import { formatNs, formatRate, formatShare } from "./profileTable.ts";

/** A part of the replay and what it is made of: the whole, a phase, a piece of a layer's path, a kernel. */
export interface FlameNode {
  readonly name: string;
  /** From the whole down to this node. */
  readonly path: string;
  readonly phase: string;
  readonly depth: number;
  readonly children: Map<string, FlameNode>;
  ns: number;
  calls: number;
  flops: number;
  bytes: number;
  allowedNs: number;
}

/** Dispatches nested by phase, the parts of their layer's path, and kernel, in the order of the replay. */
export function flameTree(profile: PlanProfile, roofline?: Roofline): FlameNode {
  const node = (name: string, path: string, phase: string, depth: number): FlameNode => {
    return { name, path, phase, depth, children: new Map(), ns: 0, calls: 0, flops: 0, bytes: 0, allowedNs: 0 };
  };
  const root = node(profile.label, profile.label, "", 0);
  for (const dispatch of profile.dispatches) {
    const { phase, layer, shader, durationNs, flops, bytes } = dispatch;
    const allowed = roofline ? 1e9 * rooflineSeconds(roofline, dispatch) : NaN;
    let at = root;
    for (const name of [undefined, phase, ...layer.split("/"), shader]) {
      if (name !== undefined) {
        let child = at.children.get(name);
        if (!child) {
          const path = at === root ? name : `${at.path}/${name}`;
          child = node(name, path, phase, at.depth + 1);
          at.children.set(name, child);
        }
        at = child;
      }
      at.ns += durationNs;
      at.calls++;
      at.flops += flops;
      at.bytes += bytes;
      at.allowedNs += allowed;
    }
  }
  return root;
}

/** The words of a tooltip, one a line: a heading, then figures. */
export function tipText(heading: string, lines: readonly string[]): string {
  return [heading, ...lines].join("\n");
}

const ROW = 24;

/** The tree as bars below bars, as wide as their time; the page's script zooms into one that is clicked. */
export function flameChart(profile: PlanProfile, roofline?: Roofline): string {
  const root = flameTree(profile, roofline);
  if (root.ns === 0) return `<p class="empty">The plan has no dispatches.</p>`;
  const bars: string[] = [];
  let deepest = 0;
  const draw = (node: FlameNode, from: number): void => {
    deepest = Math.max(deepest, node.depth);
    const width = node.ns / root.ns;
    const tip = tipText(node.path, [
      `${formatNs(node.ns)}, ${formatShare(width)} of all dispatches`,
      `${formatCount(node.calls)} ${node.calls === 1 ? "dispatch" : "dispatches"}`,
      `${formatRate(node.flops, node.ns)} GFLOP/s, ${formatRate(node.bytes, node.ns)} GB/s`,
      ...(roofline ? [`${formatShare(node.allowedNs / node.ns)} of the roofline`] : []),
    ]);
    const style = `left:${percent(from)};width:${percent(width)};top:${node.depth * ROW}px`;
    const data = { "data-from": from.toFixed(6), "data-to": (from + width).toFixed(6), "data-depth": node.depth };
    const shade = node.depth % 2 === 0 ? "even" : "odd";
    bars.push(
      `<div ${attributes({ class: `bar ${node.phase || "whole"} ${shade}`, style, "data-tip": tip, ...data })}>` +
        `${escapeHtml(node.name)}</div>`,
    );
    let left = from;
    for (const child of node.children.values()) {
      draw(child, left);
      left += child.ns / root.ns;
    }
  };
  draw(root, 0);
  const label = `Time of ${profile.dispatches.length} dispatches, nested by phase, layer and kernel`;
  const style = `height:${(deepest + 1) * ROW}px`;
  return `<div ${attributes({ class: "flame", role: "img", "aria-label": label, style })}>${bars.join("")}</div>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(4)}%`;
}
