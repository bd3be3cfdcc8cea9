import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { useBuiltCommand } from "../cli/built.ts";

const command = useBuiltCommand();
const file = (name: string) => fileURLToPath(new URL(`measure/${name}`, import.meta.url));
const expected = JSON.parse(readFileSync(file("expected.json"), "utf8")) as Record<string, number> & { code: string };

describe("a PyTorch model, measured as docs/measuring.md says", () => {
  it("saved these files with the document's code of today (else run make_measure.py again)", () => {
    const guide = readFileSync(new URL("../../docs/measuring.md", import.meta.url), "utf8");
    expect(guide).toContain(`\`\`\`python\n${expected.code}\`\`\``);
  });

  it("has the decomposition that PyTorch and NumPy give without that code", async () => {
    const names = ["predictions", "targets", "rotations"];
    const args = names.flatMap((name) => [`--${name}`, file(`${name}.npy`)]);
    const { code, stdout, stderr } = await command.run(["measure", ...args, "--json"]);
    expect(code, stderr).toBe(0);
    const found = JSON.parse(stdout) as Record<string, number>;
    expect(found).toMatchObject({ samples: 4, rotations: 24 });
    for (const name of ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv"]) {
      expect(Math.abs(found[name]! / expected[name]! - 1), name).toBeLessThan(1e-6);
    }
    expect(found.percentEquiv).toBeGreaterThan(0.1);
  });
});
