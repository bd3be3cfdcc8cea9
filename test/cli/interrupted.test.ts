import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import { withNpy } from "../../src/node/npy.ts";
import { elementSymbol } from "../../src/molecules/elements.ts";
import { randomArray } from "../harness.ts";
import { npyBytes } from "../node/npyBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { SMALL_FORCE_STEPS, SMALL_STEPS } from "./smallRun.ts";
import { hasTerminal, onTerminal } from "./terminal.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("interrupted");
const file = (name: string) => join(folder, name);

/** More molecules than can be measured before somebody presses Ctrl-C. */
function manyMolecules(): string {
  const path = file("many.xyz");
  const record = ({ elements, positions }: ReturnType<typeof builtinMolecules>[number]) => {
    const atoms = Array.from(
      elements,
      (element, i) => `${elementSymbol(element)} ${[0, 1, 2].map((a) => positions[3 * i + a]).join(" ")}`,
    );
    return [atoms.length, "", ...atoms, ""].join("\n");
  };
  writeFileSync(path, builtinMolecules().map(record).join(""));
  return path;
}

// Windows and macOS have no `script` of util-linux; what they share with Linux is tested without a terminal.
describe.skipIf(!hasTerminal)("on a terminal of 40 columns, Ctrl-C", () => {
  const voxtwirl = (...words: string[]) => [process.execPath, command.path, ...words].join(" ");

  const expectLive = (live: readonly string[]) => {
    expect(live.length).toBeGreaterThan(1);
    for (const line of live) expect(line.length, line).toBeLessThan(40);
    expect(live.join("\n")).toMatch(/^[\d,]+ of [\d,]+ \w+ {2}.* left$/m);
  };

  describe("in measure", () => {
    const run = file("run");
    beforeAll(async () => {
      const small = [...SMALL_STEPS, "--heldout", "2", "--steps", "1", "--every", "1"];
      const result = await command.run(["train", ...small, "--out", run, "--quiet"]);
      expect(result.code, result.stderr).toBe(0);
    });

    it("gives the decomposition of the molecules so far, and says how many they are", async () => {
      const exported = file("exported");
      const args = ["--model", run, "--data", manyMolecules(), "--limit", "2000", "--export", exported];
      const { code, output, live } = await onTerminal(voxtwirl("measure", ...args), 40, /\n?[2-9] of [\d,]+ molecules/);
      expect(code, output).toBe(130);
      expectLive(live);
      expect(output).toContain("voxtwirl: stopping after the molecule in hand; once more to stop at once");
      const [, done] = /interrupted after (\d+) of 1,\d{3} molecules:\s+lossTotal +\S+ ± /.exec(output)!;
      expect(output).toContain(`exported ${done} molecules to ${exported}`);
      await withNpy(join(exported, "predictions.npy"), async ({ shape }) => expect(shape[0]).toBe(Number(done)));
      const figures = JSON.parse(readFileSync(join(exported, "figures.json"), "utf8"));
      expect(figures).toMatchObject({ interrupted: true, samples: Number(done) });
    });

    it("marks the JSON object, whose numbers are those of the samples before it", async () => {
      const [samples, size] = [40_000, 3];
      const predictions = randomArray(samples * 2 * size, 1);
      const targets = randomArray(samples * size, 2);
      writeFileSync(file("predictions.npy"), npyBytes([samples, 2, size], predictions));
      writeFileSync(file("targets.npy"), npyBytes([samples, size], targets));
      const args = ["--predictions", file("predictions.npy"), "--targets", file("targets.npy"), "--group", "so3"];
      const line = `${voxtwirl("measure", ...args, "--json")} > ${file("part.json")}`;
      const { code, output, live } = await onTerminal(line, 40, /[1-9][\d,]* of 40,000 samples/);
      expect(code, output).toBe(130);
      expectLive(live);
      const part = JSON.parse(readFileSync(file("part.json"), "utf8")) as { samples: number };
      expect(part).toMatchObject({ type: "measure", interrupted: true });
      expect(part.samples).toBeGreaterThan(0);
      expect(part.samples).toBeLessThan(samples);

      writeFileSync(
        file("predictions.npy"),
        npyBytes([part.samples, 2, size], predictions.subarray(0, part.samples * 2 * size)),
      );
      writeFileSync(file("targets.npy"), npyBytes([part.samples, size], targets.subarray(0, part.samples * size)));
      const whole = await command.run(["measure", ...args, "--json"]);
      expect(JSON.parse(whole.stdout)).toEqual({ ...part, interrupted: false });
    });
  });

  it("in profile gives the replays so far, and says how many they are", async () => {
    const args = ["--batch", "1", "--steps", "1000", "--json", file("profile.json")];
    const { code, output, live } = await onTerminal(voxtwirl("profile", ...args), 40, /[4-9] of 2,001 replays/);
    expect(code, output).toBe(130);
    expectLive(live.filter((line) => line.includes(" of ")));
    const { repeats } = JSON.parse(readFileSync(file("profile.json"), "utf8"));
    expect(repeats).toBeGreaterThan(0);
    expect(output).toContain(`interrupted after ${repeats} of 1000 profiled replays`);
    expect(output).toMatch(/^training step, preset tiny, batch 1: \d+ dispatches on /m);
  });

  it.each([
    ["voxels", SMALL_STEPS],
    ["forces", SMALL_FORCE_STEPS],
  ])("in train of %s leaves the live line within the terminal", async (task, size) => {
    const args = [...size, "--heldout", "2", "--steps", "100000", "--every", "50000"];
    const line = voxtwirl("train", ...args, "--out", file(`long-${task}`));
    const { code, output, live } = await onTerminal(line, 40, /\d\/100,000/);
    expect(code, output).toBe(130);
    expect(live.length).toBeGreaterThan(0);
    for (const shown of live) expect(shown, output).toMatch(/^(?=.{1,39}$)(step +)?[\d,]+\/100,000 .* left$/);
  });
});
