import { escapeHtml } from "./html.ts";

/** A figure at the top of a page. */
export interface HeadlineFigure {
  readonly name: string;
  readonly value: string;
  /** A unit or an error, in small type. */
  readonly small?: string | undefined;
  /** A line below. */
  readonly more: string;
}

/** Figures side by side. */
export function headlineHtml(figures: readonly HeadlineFigure[]): string {
  const items = figures.map(({ name, value, small, more }) => {
    const extra = small ? ` <small>${escapeHtml(small)}</small>` : "";
    return (
      `<div><dt>${escapeHtml(name)}</dt><dd class="value">${escapeHtml(value)}${extra}</dd>` +
      `<dd class="more">${escapeHtml(more)}</dd></div>`
    );
  });
  return `<dl class="figures">${items.join("")}</dl>`;
}
