/** A part of a line that is rewritten in place. What is needed least is left out first where the line is too long. */
export interface LinePart {
  /** Empty: there is no such part. */
  readonly text: string;
  /** A shorter form of it, for narrow lines. */
  readonly short?: string;
  /** The shortest form of all, where there is no place for anything else. */
  readonly least?: string;
  readonly need: number;
}

/**
 * The parts as a line of at most `width` characters. No part is cut: they take their shorter forms, then the least
 * needed one is left out, until they fit.
 */
export function fitParts(parts: readonly LinePart[], width: number): string {
  let kept = parts.filter(({ text }) => text !== "");
  for (;;) {
    const lines = [
      kept.map(({ text }) => text).join("  "),
      kept.map(({ text, short = text }) => short).join("  "),
      ...(kept.length === 1 ? [kept[0]!.least ?? "", ""] : []),
    ];
    const line = lines.find((form) => form.length <= width);
    if (line !== undefined || kept.length === 0) return line ?? "";
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
