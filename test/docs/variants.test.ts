import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { expect, it } from "vitest";
import { variantsPage } from "../../scripts/variants.ts";

it("docs/variants.md is what the kernels' tables say (else: npm run docs:variants)", async () => {
  const file = fileURLToPath(new URL("../../docs/variants.md", import.meta.url));
  const made = await format(variantsPage(), { ...(await resolveConfig(file)), filepath: file });
  expect(readFileSync(file, "utf8")).toBe(made);
});
