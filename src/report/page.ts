import { escapeHtml } from "./html.ts";
import { STYLE } from "./style.ts";

/** What a page is made of. */
export interface Page {
  readonly title: string;
  /** HTML of the header and of what follows it. */
  readonly header: string;
  readonly body: string;
  /** One line at the end, as HTML. */
  readonly footer: string;
  /** Added to the style that all pages share. */
  readonly style?: string;
  readonly script?: string;
  /** Whether it has images, whose data are in it. */
  readonly images?: boolean;
}

/** One HTML file that needs nothing else and, by its own policy, may load nothing. */
export function htmlPage({ title, header, body, footer, style = "", script, images = false }: Page): string {
  const policy = [
    "default-src 'none'",
    ...(images ? ["img-src data:"] : []),
    "style-src 'unsafe-inline'",
    ...(script === undefined ? [] : ["script-src 'unsafe-inline'"]),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join("; ")}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<main>
<header>
${header}
</header>
${body}
<footer>${footer}</footer>
</main>
${script === undefined ? "" : `<script>${script}</script>\n`}</body>
</html>
`;
}

/** What the footer says of pages that need no more words. */
export const SELF_CONTAINED = "One self-contained file: nothing is loaded from elsewhere.";

/** A part of a page under a heading. */
export const section = (title: string, body: string): string =>
  `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
