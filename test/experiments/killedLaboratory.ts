/** `node scripts/run.mjs`: begins the small `dip`, and kills itself with -9 at an event: OUT EVENT VERSION. */
import { openGpu } from "../../src/node/openGpu.ts";
import { smallExperiment } from "./smallLaboratory.ts";

const [, , out = "", at = "", version = ""] = process.argv;
Object.assign(globalThis, { VOXTWIRL_VERSION: version });
const gpu = await openGpu();
let events = 0;
for await (const event of smallExperiment(gpu, { out, name: "dip" })) {
  if (event.type === "progress" && ++events === Number(at)) process.kill(process.pid, "SIGKILL");
}
