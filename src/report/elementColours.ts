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
};
const OTHER_ELEMENT: Rgb = [220, 110, 220];

/** Of an element's symbol. */
export const colourOf = (element: string): Rgb => ELEMENT_COLOURS[element] ?? OTHER_ELEMENT;

export const cssColour = (colour: Rgb): string => `rgb(${colour.map(Math.round).join(" ")})`;
