import { attributes, escapeHtml, px } from "./html.ts";

/** A chain of C-alphas to draw. */
export interface ChainTrace {
  readonly name: string;
  /** In Angstrom, three a residue: drawn along x and y, with z towards the reader. */
  readonly positions: ArrayLike<number>;
  /** A letter for each residue: H helix, E strand, M a helix of the wrong hand, - none. */
  readonly structure: string;
}

/** Side of a picture. */
const SIDE = 200;
const MARGIN = 12;

const CLASSES: Readonly<Record<string, string>> = { H: "helix", E: "strand", M: "wrong" };

/**
 * Chains as lines through their C-alphas, in pictures side by side of one scale. What lies in front crosses over what
 * lies behind, and a dot is where the chain begins.
 */
export function chainDrawings(traces: readonly ChainTrace[]): string {
  const reach = Math.max(1, ...traces.map(({ positions }) => extent(positions)));
  const pictures = traces.map((trace) => {
    const name = `${escapeHtml(trace.name)}, ${trace.structure.length} residues`;
    return `<figure>${drawing(trace, (SIDE / 2 - MARGIN) / reach)}<figcaption>${name}</figcaption></figure>`;
  });
  return `<div class="traces">${pictures.join("")}</div>`;
}

/** From the middle, along either axis of the picture. */
function extent(positions: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < positions.length; i++) if (i % 3 < 2) most = Math.max(most, Math.abs(positions[i]!));
  return most;
}

function drawing({ name, positions, structure }: ChainTrace, scale: number): string {
  const x = (i: number) => px(SIDE / 2 + scale * positions[3 * i]!);
  const y = (i: number) => px(SIDE / 2 - scale * positions[3 * i + 1]!);
  const depth = (i: number) => positions[3 * i + 2]! + positions[3 * i + 5]!;
  const segments = Array.from({ length: structure.length - 1 }, (_, i) => i).sort((a, b) => depth(a) - depth(b));
  const lines = segments.map((i) => {
    const d = `M${x(i)} ${y(i)}L${x(i + 1)} ${y(i + 1)}`;
    const kind = structure[i] === structure[i + 1] ? CLASSES[structure[i]!] : undefined;
    return [
      { class: "under", d },
      { class: kind, d },
    ]
      .map((of) => `<path ${attributes(of)}/>`)
      .join("");
  });
  const start = `<circle ${attributes({ cx: x(0), cy: y(0), r: 3 })}/>`;
  const svg = attributes({ viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img", "aria-label": `${name}, drawn` });
  return `<svg ${svg}>${lines.join("")}${start}</svg>`;
}
