import { writeFileSync } from "node:fs";
import { dataModule, encodeMolecules } from "./encode.ts";
import { builtinSeed, makeMolecules } from "./make.ts";

const [target, count] = process.argv.slice(2) as [string, string];
const molecules = makeMolecules(builtinSeed, Number(count), (made) => {
  if (made % 50 === 0) process.stderr.write(`${made} of ${count} molecules\n`);
});
writeFileSync(target, dataModule(encodeMolecules(molecules)));
