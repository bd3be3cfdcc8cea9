const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text made safe for HTML content and for quoted attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Attributes as `a="b" c="d"` with escaped values; undefined ones are left out. */
export function attributes(values: Record<string, string | number | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${escapeHtml(String(value))}"`)
    .join(" ");
}

/** Pixels with at most two decimals, which keep files small. */
export const px = (value: number): number => Math.round(value * 100) / 100;

/** A value of a configuration as one line of text. */
function valueText(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.length ? value.map(valueText).join(", ") : "none";
  return JSON.stringify(value);
}

/** Nested plain objects as pairs of dotted key and text, in their own order. */
export function flattenConfig(config: Record<string, unknown>, prefix = ""): [string, string][] {
  return Object.entries(config).flatMap(([key, value]): [string, string][] => {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject || Object.keys(value).length === 0) return [[prefix + key, valueText(value)]];
    return flattenConfig(value as Record<string, unknown>, `${prefix}${key}.`);
  });
}

/** Two columns of keys and values as a definition list. */
export function definitionList(pairs: readonly [string, string][]): string {
  if (pairs.length === 0) return `<p class="muted">none given</p>`;
  const items = pairs.map(([key, value]) => `<div><dt>${escapeHtml(key)}</dt><dd>${escapeHtml(value)}</dd></div>`);
  return `<dl class="pairs">${items.join("")}</dl>`;
}

/**
 * A table that scrolls within its box.
 *
 * @param label what it is of, for people who cannot see it
 * @param rows cells that are HTML already
 */
export function scrollTable(label: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  return (
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}"><table><thead><tr>` +
    `${head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("")}</tr></thead><tbody>` +
    `${rows.map(cells).join("")}</tbody></table></div>`
  );
}
