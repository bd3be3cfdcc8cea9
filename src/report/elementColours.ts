export type Rgb = readonly [number, number, number];

/** Colours of the elements on black, near the usual convention of molecule viewers. */
export const ELEMENT_COLOURS: Readonly<Record<string, Rgb>> = {
  C: [140, 140, 140],
  H: [255, 255, 255],
  N: [64, 110, 255],
  O: [240, 50, 40],
  F: [70, 210, 110],
  S: [250, 205, 50],
  Cl: [0, 170, 150],
  Br: [180, 80, 30],
  P: [250, 140, 30],
  I: [150, 50, 170],
  B: [240, 175, 165],
  Si: [205, 175, 140],
  Li: [190, 130, 245],
  Na: [165, 100, 235],
  K: [140, 75, 210],
  Mg: [140, 200, 60],
  Ca: [90, 190, 60],
  Al: [175, 165, 165],
  Ti: [175, 185, 195],
  Fe: [215, 110, 55],
  Ni: [90, 190, 110],
  Cu: [205, 130, 60],
  Zn: [125, 130, 175],
  Pd: [60, 120, 140],
  Ag: [190, 195, 200],
  Pt: [205, 205, 220],
  Au: [245, 205, 60],
};
const OTHER_ELEMENT: Rgb = [220, 110, 220];

/** Of an element's symbol. */
export const colourOf = (element: string): Rgb => ELEMENT_COLOURS[element] ?? OTHER_ELEMENT;

/** As "#c8c8c8", and whether what is written on it should be dark or bright. */
export function atomColour(element: string): { readonly colour: string; readonly key: "bright" | "dark" } {
  const [r, g, b] = colourOf(element);
  const hex = [r, g, b].map((part) => Math.round(part).toString(16).padStart(2, "0")).join("");
  return { colour: `#${hex}`, key: 0.3 * r + 0.59 * g + 0.11 * b > 120 ? "bright" : "dark" };
}

export const cssColour = (colour: Rgb): string => `rgb(${colour.map(Math.round).join(" ")})`;
