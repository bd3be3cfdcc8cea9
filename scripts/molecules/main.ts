// Makes the built-in molecules anew: node scripts/run.mjs scripts/molecules/main.ts [FILE] [COUNT]. Some minutes; the
// same bytes every time.
import { writeFileSync } from "node:fs";
import { dataModule, encodeMolecules } from "./encode.ts";
import { builtinSeed, makeMolecules } from "./make.ts";

const [target = "src/molecules/builtin.data.ts", count = "1500"] = process.argv.slice(2);
const molecules = makeMolecules(builtinSeed, Number(count), (made) => {
  if (made % 50 === 0) process.stderr.write(`${made} of ${count} molecules\n`);
});
writeFileSync(target, dataModule(encodeMolecules(molecules), "main.ts", "builtin.ts"));
