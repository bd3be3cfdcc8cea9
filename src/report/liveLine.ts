/** A part of a line that is rewritten in place. What is needed least is left out first where the line is too long. */
export interface LinePart {
  /** Its text, or several forms of it from the longest to the shortest. */
  readonly text: string | readonly string[];
  readonly need: number;
}

/**
 * The parts as a line of at most `width` characters. None is cut: parts are left out, and the last one that is left
 * takes a shorter form, or none.
 */
export function fitParts(parts: readonly LinePart[], width: number): string {
  const forms = ({ text }: LinePart) => (typeof text === "string" ? [text] : text);
  let kept = parts.filter((part) => forms(part)[0] !== "");
  for (;;) {
    const line = kept.map((part) => forms(part)[0]).join("  ");
    if (line.length <= width) return line;
    if (kept.length === 1) return forms(kept[0]!).find((form) => form.length <= width) ?? "";
    const least = Math.min(...kept.map(({ need }) => need));
    const at = kept.findLastIndex(({ need }) => need === least);
    kept = kept.filter((_, i) => i !== at);
  }
}

/** A text whose end matters least, in at most `width` characters: where it is cut, between words, it ends with "…". */
export function fitText(text: string, width: number): string {
  if (text.length <= width) return text;
  const room = text.slice(0, Math.max(width, 0));
  const words = room.slice(0, room.lastIndexOf(" ")).replace(/[\s,:;]+$/, "");
  return room.includes(" ") ? `${words}…` : "";
}
