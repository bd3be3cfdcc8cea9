/** Quotes and brackets round values, with what ends each. */
const pairs: Record<string, string> = { '"': '"', "'": "'", "{": "}", "[": "]" };
/** Longer values than any unit, energy or list of columns are cut, so that no text is walked through twice. */
const longest = 2000;

/**
 * The `key=value` of an extended XYZ file's comment, outside of other values' quotes, in their order; the first of
 * equal keys. Values lose the quotes or brackets round them; keys without a value are passed over.
 */
export function commentValues(comment: string): Map<string, string> {
  const values = new Map<string, string>();
  // Past the quotes of a value, so that what looks like a key in a note is none.
  const pattern = /(?<!\S)(["'])|([^\s"'={}[\]]{1,100})\s{0,20}=\s{0,20}(["'{[]?)/g;
  for (let match; (match = pattern.exec(comment)) !== null;) {
    const [, quote, key, open = ""] = match;
    const at = pattern.lastIndex;
    const end = closing(comment, at, pairs[quote ?? open]);
    if (end !== undefined) pattern.lastIndex = end + 1;
    if (key === undefined) continue;
    const value = end === undefined ? bare(comment, at) : comment.slice(at, end);
    if (end === undefined) pattern.lastIndex = at + value.length;
    if (!values.has(key)) values.set(key, value.trim());
  }
  return values;
}

function closing(comment: string, at: number, end: string | undefined): number | undefined {
  if (end === undefined) return undefined;
  const found = comment.slice(at, at + longest).indexOf(end);
  return found < 0 ? undefined : at + found;
}

function bare(comment: string, at: number): string {
  return /^\S*/.exec(comment.slice(at, at + longest))![0];
}
