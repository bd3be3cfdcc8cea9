/** The script of `frameViewerScript.mjs`, whole: see `pageScripts` in scripts/build.mjs. */
declare const script: string;
export default script;
