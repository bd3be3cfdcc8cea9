// Makes the built-in frames with energies and forces anew: node scripts/run.mjs scripts/molecules/forces.ts [FILE]
// [COUNT of each molecule]. Some minutes; the same bytes every time.
import { writeFileSync } from "node:fs";
import { dataModule, encodeFrames } from "./encode.ts";
import { framed, framesSeed, makeFrames } from "./frames.ts";

const [target = "src/molecules/builtinForces.data.ts", count = "80"] = process.argv.slice(2);
const molecules = makeFrames(framesSeed, Number(count), (made) =>
  process.stderr.write(`${made} of ${framed.length} molecules\n`),
);
writeFileSync(target, dataModule(encodeFrames(molecules), "forces.ts", "builtinForces.ts"));
