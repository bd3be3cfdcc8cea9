import { Worker } from "node:worker_threads";

/**
 * Runs in a thread of its own, as the main one may be busy for longer than others wait. Writing, rather than setting
 * the file's time, takes the time of the file system's own clock, and closing sends it there.
 */
const BEAT = `
const fs = require("node:fs");
const { path, head, everyMs } = require("node:worker_threads").workerData;
let beats = 0;
setInterval(() => {
  try {
    const file = fs.openSync(path, "r+");
    try {
      if (fs.readFileSync(file, "utf8").startsWith(head)) {
        fs.writeSync(file, String(++beats).padStart(12) + "\\n", Buffer.byteLength(head));
      }
    } finally {
      fs.closeSync(file);
    }
  } catch {}
}, everyMs);
`;

/**
 * Writes a growing number behind `head`, the first bytes of a file, for as long as the file begins with it.
 *
 * @returns ends it
 */
export function startHeartbeat(path: string, head: string, everyMs: number): () => void {
  const worker = new Worker(BEAT, { eval: true, workerData: { path, head, everyMs }, execArgv: [], env: {} });
  // Without a heartbeat others may take this process for dead; that is found out before the next write.
  worker.on("error", () => {});
  worker.unref();
  return () => void worker.terminate();
}
