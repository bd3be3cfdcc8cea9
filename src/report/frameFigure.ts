import { frameScene, symbolOf, type FrameScene } from "../frames/frameScene.ts";
import type { FarthestStructure } from "../frames/termDetails.ts";
import { atomColour } from "./elementColours.ts";
import { countOf, formatCount, formatLoss, MISSING } from "./format.ts";
import { frameDrawing } from "./frameDrawing.ts";
import { escapeHtml, scrollTable } from "./html.ts";

/** Rows of the table beside the picture. */
const ROWS = 12;

/** What is drawn: a structure of a term. */
export interface DrawnStructure {
  readonly name: string;
  readonly unit: string | null;
  readonly structure: FarthestStructure;
}

/**
 * A structure as a picture that a script may turn, with its differences as arrows, and as a table for those who see
 * neither.
 *
 * @param turnable whether the page has the script for it
 */
export function frameFigure({ name, unit, structure }: DrawnStructure, turnable: boolean): string {
  const scene = frameScene(structure);
  const { frame, formula, copy, angle } = structure;
  const longest = `the longest is ${formatLoss(scene.longest)}${unit === null ? "" : ` ${unit}`}`;
  const what = `Frame ${frame}, ${formula}, ${countOf(structure.elements.length, "atom")}`;
  const hasArrows = scene.arrows.length > 0;
  const label = hasArrows ? `${what}; arrows: ${name} of copy ${copy} less the mean over rotations, ${longest}` : what;
  const data = turnable ? ` data-scene="${escapeHtml(sceneJson(scene))}" data-label="${escapeHtml(label)}"` : "";
  const caption =
    `${what}: the structure with the prediction of ${name} that is farthest from the mean over rotations, ` +
    `that of copy ${copy}, turned by ${angle.toFixed(1)} degrees. ` +
    (hasArrows
      ? `Arrows are that prediction, turned back, less the mean; ${longest}, and those below a fiftieth of it are ` +
        "left out."
      : `There are no arrows, as ${name} is no vector.`) +
    (scene.left > 0 ? ` ${formatCount(scene.left)} atoms farther away are not drawn.` : "");
  return (
    `<figure class="molecule"${data}><div class="stage">${frameDrawing(scene, label)}</div>` +
    `${turnable ? CONTROLS : ""}<figcaption>${escapeHtml(caption)}</figcaption></figure>` +
    atomTable(name, unit, structure)
  );
}

/** Seen where the picture turns. */
const CONTROLS =
  `<div class="controls"><span class="buttons">` +
  [
    ["ArrowLeft", "turn left", "←"],
    ["ArrowRight", "turn right", "→"],
    ["ArrowUp", "turn up", "↑"],
    ["ArrowDown", "turn down", "↓"],
    ["+", "larger", "+"],
    ["-", "smaller", "−"],
    ["Home", "as it was", "⌂"],
  ]
    .map(([value, title, sign]) => {
      return `<button type="button" value="${value}" aria-label="${title}" title="${title}">${sign}</button>`;
    })
    .join("") +
  `</span><span class="muted">Drag to turn, Ctrl and wheel to zoom; by keys: arrows, + and −, Home.</span></div>`;

/** What the script reads: numbers of three decimals. */
function sceneJson({ atoms, bonds, edges, arrows, reach }: FrameScene): string {
  const round = (values: readonly number[]) => values.map((value) => Number(value.toFixed(3)));
  return JSON.stringify({
    atoms: atoms.map(({ place, radius, symbol }) => {
      const { colour, key } = atomColour(symbol);
      return [...round([...place, radius]), colour, symbol, key];
    }),
    bonds,
    edges: edges.flat().map(round),
    arrows: arrows.map(({ from, vector }) => round([...from, ...vector])),
    reach: Number(reach.toFixed(3)),
  });
}

/** The atoms with the largest differences. */
function atomTable(name: string, unit: string | null, { elements, vectors }: FarthestStructure): string {
  if (vectors === null) return "";
  const { perAtom, differences, mean, target } = vectors;
  const count = differences.length / 3;
  const at = (values: Float64Array, i: number) => [...values.subarray(3 * i, 3 * i + 3)];
  const sizes = Array.from({ length: count }, (_, i) => Math.hypot(...at(differences, i)));
  const order = sizes.map((_, i) => i).sort((a, b) => sizes[b]! - sizes[a]!);
  const number = (value: number) => formatLoss(value).replace(/^-/, "−");
  const shown = (values: Float64Array | null, i: number) =>
    values === null ? MISSING : at(values, i).map(number).join("\u00a0\u00a0 ");
  const rows = order
    .slice(0, ROWS)
    .map((i) =>
      [
        perAtom ? `${i + 1} ${symbolOf(elements[i]!)}` : "whole frame",
        formatLoss(sizes[i]),
        ...[differences, mean, target].map((values) => shown(values, i)),
      ].map(escapeHtml),
    );
  const head = ["atom", "|difference|", "difference x y z", "mean x y z", "label x y z"];
  const units = unit === null ? "" : `, in ${unit}`;
  const more = count > ROWS ? ` The ${ROWS} largest of ${formatCount(count)}.` : "";
  const caption = `${name}${units}, along the axes of the file.${more}`;
  return scrollTable(`differences of ${name} by atom`, head, rows) + `<p class="caption">${escapeHtml(caption)}</p>`;
}
