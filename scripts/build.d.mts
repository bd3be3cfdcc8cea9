import type { Plugin } from "esbuild";

/** Whether the bundle was made; what went wrong is printed. `folder`, "dist" by default, is relative to the project. */
export function build(folder?: string, options?: { readonly types?: boolean }): Promise<boolean>;

/** Imports of `.wgsl` files give their name and their text, without comments and indentation. */
export const bareShaders: Plugin;

/** Imports of `Script.mjs` files give the text of a script for pages. */
export const pageScripts: Plugin;

/** A script that needs nothing else, of a module and all that it imports, with their licences. */
export function pageScript(path: string): Promise<string>;
