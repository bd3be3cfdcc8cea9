import { VoxtwirlError } from "../errors.ts";
import { colourOf, cssColour, type Rgb } from "./elementColours.ts";
import { escapeHtml } from "./html.ts";
import { pngDataUri } from "./png.ts";
import type { SliceInput } from "./types.ts";

/** Stops of the diverging map from -1 to 1: blue, black, orange, rising in lightness to both sides. */
const DIVERGING: readonly Rgb[] = [
  [168, 216, 255],
  [46, 124, 214],
  [0, 0, 0],
  [206, 92, 16],
  [255, 214, 150],
];

/** Colour of a value from -1 to 1 (clipped), 0 being black. */
export function divergingColour(value: number): Rgb {
  const place = ((Math.min(1, Math.max(-1, value)) + 1) / 2) * (DIVERGING.length - 1);
  const index = Math.min(DIVERGING.length - 2, Math.floor(place));
  const t = place - index;
  const [a, b] = [DIVERGING[index]!, DIVERGING[index + 1]!];
  return [0, 1, 2].map((i) => a[i]! + t * (b[i]! - a[i]!)) as unknown as Rgb;
}

/**
 * Colour of one voxel on black: its channels, clipped to [0, 1], mix the colours of their elements by weight, and the
 * brightness is 1 - prod(1 - weight), the chance that any of them fills the voxel.
 */
export function densityColour(values: ArrayLike<number>, elements: readonly string[]): Rgb {
  let total = 0;
  let empty = 1;
  const sum = [0, 0, 0];
  elements.forEach((element, c) => {
    const weight = Math.min(1, Math.max(0, values[c]!)) || 0;
    total += weight;
    empty *= 1 - weight;
    colourOf(element).forEach((part, i) => (sum[i]! += weight * part));
  });
  const scale = total > 0 ? (1 - empty) / total : 0;
  return [sum[0]! * scale, sum[1]! * scale, sum[2]! * scale];
}

/** The value of the channel that is farthest from zero, sign kept: channels of opposite sign do not cancel. */
export function strongestValue(values: ArrayLike<number>): number {
  let strongest = 0;
  for (let c = 0; c < values.length; c++) if (Math.abs(values[c]!) > Math.abs(strongest)) strongest = values[c]!;
  return strongest;
}

/** [grid, grid, channels] to a PNG; row y = 0 comes out at the bottom, so that y points up. */
function paint(data: Float32Array, input: SliceInput, colour: (values: Float32Array) => Rgb): string {
  const { grid } = input;
  const channels = input.channels.length;
  const rgb = new Uint8Array(grid * grid * 3);
  for (let y = 0; y < grid; y++) {
    for (let x = 0; x < grid; x++) {
      const at = (y * grid + x) * channels;
      const pixel = colour(data.subarray(at, at + channels)).map(Math.round);
      rgb.set(pixel, ((grid - 1 - y) * grid + x) * 3);
    }
  }
  return pngDataUri(grid, grid, rgb);
}

function checkSizes(input: SliceInput): void {
  const { grid, channels } = input;
  const expected = grid * grid * channels.length;
  for (const name of ["clean", "noisy", "denoised", "twistedDifference"] as const) {
    if (input[name].length === expected) continue;
    throw new VoxtwirlError(
      "bad-shape",
      `report slice "${name}" has ${input[name].length} values, expected ${grid} x ${grid} x ${channels.length}`,
      "Pass one z slice in the order (y, x, channel).",
    );
  }
}

/** A round length of about a quarter of the picture, in Angstrom. */
function scaleBarLength(side: number): number {
  return [0.5, 1, 2, 5, 10, 20, 50].findLast((length) => length <= side / 3) ?? 0.5;
}

/** Clean, noisy, denoised and twisted difference side by side, with legends and a caption. */
export function sliceFigure(input: SliceInput): string {
  checkSizes(input);
  const { grid, channels, resolution } = input;
  const side = grid * resolution;
  const limit = input.twistedDifference.reduce((max, v) => (Number.isFinite(v) ? Math.max(max, Math.abs(v)) : max), 0);
  const density = (data: Float32Array): string => paint(data, input, (values) => densityColour(values, channels));
  const signed = (values: Float32Array): Rgb => divergingColour(strongestValue(values) / (limit || 1));
  const panels: [string, string, string][] = [
    ["clean", "what the net should give", density(input.clean)],
    ["noisy", "what the net is given", density(input.noisy)],
    ["denoised", "what the net gives", density(input.denoised)],
    ["twisted difference", "one rotation minus the mean", paint(input.twistedDifference, input, signed)],
  ];
  const bar = scaleBarLength(side);
  const barMark = `<span class="scale-bar" style="width:${((100 * bar) / side).toFixed(2)}%">${bar} Å</span>`;
  const images = panels.map(
    ([name, what, uri]) =>
      `<div class="slice"><h3>${name}</h3><div class="picture"><img src="${uri}" width="${grid}" height="${grid}" ` +
      `alt="${name}: ${what}">${barMark}</div><p>${what}</p></div>`,
  );
  const swatches = channels.map(
    (element) =>
      `<li><span class="swatch" style="background:${cssColour(colourOf(element))}"></span>${escapeHtml(element)}</li>`,
  );
  const gradient = DIVERGING.map(cssColour).join(",");
  const label = String(Number(limit.toPrecision(2)));
  const colourBar =
    `<div class="colour-bar"><span>−${label}</span><i style="background:linear-gradient(90deg,${gradient})"></i>` +
    `<span>+${label}</span></div>`;
  const name = input.name ? `${escapeHtml(input.name)}, ` : "";
  const caption =
    `${name}z slice ${input.sliceIndex + 1} of ${grid}, ${Number(side.toFixed(2))} Å wide, ${resolution} Å a voxel; ` +
    "x to the right, y up. Density pictures mix the colours of the elements, values outside 0 to 1 being clipped. " +
    "The twisted difference is the prediction for one rotation of the input, rotated back, minus the mean over all " +
    "rotations; each voxel shows the channel farthest from zero, and an equivariant net would leave it black. " +
    "It is in units of density, on its own scale.";
  return (
    `<figure class="slices"><div class="panels">${images.join("")}</div><div class="slice-legends">` +
    `<ul class="elements">${swatches.join("")}</ul>${colourBar}</div><figcaption>${caption}</figcaption></figure>`
  );
}
