/**
 * The script that turns the structure of `renderFrames` in 3D, by mouse, touch and keys: half a megabyte, read when it
 * is asked for. It has three.js in it, with its licence.
 */
export async function frameViewer(): Promise<string> {
  return (await import("./frameViewerScript.mjs")).default;
}
