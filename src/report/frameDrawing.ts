import type { FrameScene, Point, SceneAtom } from "../frames/frameScene.ts";
import { atomColour } from "./elementColours.ts";
import { attributes, escapeHtml, px } from "./html.ts";

const SIDE = 460;

/** A scene as it is seen from the front, as SVG that reads without script and in print. */
export function frameDrawing({ atoms, bonds, edges, arrows, reach }: FrameScene, description: string): string {
  const scale = SIDE / 2 / reach;
  const at = ([x, y]: Point): [number, number] => [px(SIDE / 2 + scale * x), px(SIDE / 2 - scale * y)];
  const line = (a: Point, b: Point) => `M${at(a).join(" ")}L${at(b).join(" ")}`;
  const parts: { readonly z: number; readonly svg: string }[] = [
    ...edges.map(([a, b]) => ({ z: -Infinity, svg: `<path class="edge" d="${line(a, b)}"/>` })),
    ...bonds.map(([i, j]) => {
      const [a, b] = [atoms[i]!.place, atoms[j]!.place];
      const d = line(a, b);
      const width = px(0.2 * scale);
      const svg =
        `<path class="under" stroke-width="${width + 2}" d="${d}"/>` +
        `<path class="bond" stroke-width="${width}" d="${d}"/>`;
      // Behind the atoms at both ends.
      return { z: Math.min(a[2], b[2]) - 1e-3, svg };
    }),
    ...atoms.map((atom) => ({ z: atom.place[2], svg: drawnAtom(atom, at(atom.place), px(scale * atom.radius)) })),
  ];
  parts.sort((a, b) => a.z - b.z);
  const heads = arrows.map(({ from, vector }) => drawnArrow(at(from), [scale * vector[0], -scale * vector[1]]));
  const svg = attributes({ viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img", "aria-label": description });
  return `<svg ${svg}>${parts.map((part) => part.svg).join("")}<g class="arrows">${heads.join("")}</g></svg>`;
}

function drawnAtom({ symbol }: SceneAtom, [cx, cy]: readonly number[], r: number): string {
  const { colour, key } = atomColour(symbol);
  const circle = `<circle ${attributes({ cx, cy, r, fill: colour })}/>`;
  if (r < 6) return circle;
  const size = px(Math.min(15, 1.15 * r));
  const text = attributes({ class: key, x: cx, y: px(cy! + 0.35 * size), "font-size": size });
  return `${circle}<text ${text}>${escapeHtml(symbol)}</text>`;
}

/** A shaft and a head; towards the reader and away from them it is short. */
function drawnArrow([x, y]: readonly [number, number], [dx, dy]: readonly [number, number]): string {
  const length = Math.hypot(dx, dy);
  if (length < 1) return `<circle ${attributes({ cx: x, cy: y, r: 2 })}/>`;
  const head = Math.min(13, 0.6 * length);
  const [ux, uy] = [dx / length, dy / length];
  const [bx, by] = [x + dx - head * ux, y + dy - head * uy];
  const wide = 0.42 * head;
  const corners = [
    [x + dx, y + dy],
    [bx - wide * uy, by + wide * ux],
    [bx + wide * uy, by - wide * ux],
  ].map((corner) => corner.map(px).join(" "));
  const d = `M${x} ${y}L${px(bx)} ${px(by)}`;
  return `<path class="halo" d="${d}"/><path class="shaft" d="${d}"/><path class="head" d="M${corners.join("L")}Z"/>`;
}
