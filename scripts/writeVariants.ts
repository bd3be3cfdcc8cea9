// `npm run docs:variants`: writes docs/variants.md from the kernels' tables.
import { writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { variantsPage } from "./variants.ts";

const file = "docs/variants.md";
writeFileSync(file, await format(variantsPage(), { ...(await resolveConfig(file)), filepath: file }));
