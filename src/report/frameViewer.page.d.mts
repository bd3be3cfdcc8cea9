/** The script of `frameViewer.page.mjs`, whole: see `pageScripts` in scripts/build.mjs. */
declare const script: string;
export default script;
