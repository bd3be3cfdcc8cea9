import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRunConfig, runMetadata, type RunConfig } from "../../src/training/runConfig.ts";
import { boundedMemory, FUZZ_RUNS } from "../fuzzRuns.ts";
import { VoxtwirlError } from "../../src/errors.ts";
import { taskNamed } from "../../src/tasks/list.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";

const config: RunConfig = {
  format: 1,
  version: "0.1.0",
  task: "voxels",
  training: presets.small!,
  data: { source: "built-in", sha256: "ab".repeat(32), splitSeed: 5, training: 900, heldout: 100, skipped: 2 },
  adapter: "a driver",
};
/** A configuration as somebody's file may hold it. */
type Fields = Record<string, unknown>;
type Loose = Fields & { training: Fields; data: Fields };
const copy = () => JSON.parse(JSON.stringify(config)) as Loose;

describe("parseRunConfig", () => {
  it("takes every preset, through JSON", () => {
    for (const training of Object.values(presets)) {
      const value = JSON.parse(JSON.stringify({ ...config, training }));
      expect(parseRunConfig(value, taskNamed)).toEqual({ ...config, training });
    }
  });

  it("takes runs of before there was a choice of precision as f32", () => {
    const value = copy();
    delete value.training.precision;
    expect(parseRunConfig(value, taskNamed)).toEqual(config);
    value.training.precision = "f16";
    expect(parseRunConfig(value, taskNamed).training.precision).toBe("f16");
  });

  it("takes what the folder keeps, which no model says", () => {
    const value = { ...copy(), keepCheckpoints: { every: 5, steps: [0, 3] } };
    expect(parseRunConfig(value, taskNamed)).toEqual({ ...config, keepCheckpoints: { every: 5, steps: [0, 3] } });
    expect(runMetadata({ ...config, keepCheckpoints: "evaluations" })).toEqual(runMetadata(config));
  });

  it("takes runs of before there were tasks as voxels", () => {
    const value = copy();
    delete value.task;
    expect(parseRunConfig(value, taskNamed)).toEqual(config);
  });

  it.each<[string, (value: Loose) => void]>([
    ["task", (value) => (value.task = "waves")],
    ["precision", (value) => (value.training.precision = "f64")],
    ["format", (value) => (value.format = 2)],
    ["adapter", (value) => delete value.adapter],
    ["tuning", (value) => (value.tuning = 3)],
    ["keepCheckpoints", (value) => (value.keepCheckpoints = { every: "5" })],
    ["training", (value) => Object.assign(value, { training: [] })],
    ["training.lr", (value) => (value.training.lr = "1")],
    ["training.channels", (value) => (value.training.channels = [8, "16"])],
    ["training.elements", (value) => (value.training.elements = "CH")],
    ["augment", (value) => (value.training.augment = "some")],
    ["pose", (value) => (value.training.pose = "file")],
    ["data.splitSeed", (value) => (value.data.splitSeed = null)],
    ["twirl", (value) => (value.training.twirl = 1)],
  ])("names %s when it is wrong", (field, spoil) => {
    const value = copy();
    spoil(value);
    expect(() => parseRunConfig(value, taskNamed, "runs/a/config.json")).toThrow(
      expect.objectContaining({ code: "bad-config", message: expect.stringContaining(field) }),
    );
    expect(() => parseRunConfig(value, taskNamed, "runs/a/config.json")).toThrow(/^runs\/a\/config\.json is not/);
  });

  it("takes nothing that is not an object", () => {
    for (const value of [null, undefined, 1, "x", []]) {
      expect(() => parseRunConfig(value, taskNamed)).toThrow(expect.objectContaining({ code: "bad-config" }));
    }
  });
});

describe("parseRunConfig on hostile input", () => {
  const fields = [
    "keepCheckpoints",
    "format",
    "version",
    "task",
    "training",
    "data",
    "adapter",
    ...Object.keys(config.training),
    ...Object.keys(config.data),
  ];
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(0, -1, 2 ** 53, 1e308, null, "", [], {}, [[]]),
    fc.anything(),
  );
  const edits = fc.array(fc.tuple(fc.constantFrom(...fields), value), { maxLength: 3 });
  const edited = edits.map((changes) => {
    const result = copy();
    for (const [name, part] of changes) {
      const owner = name in result.training ? result.training : name in result.data ? result.data : result;
      owner[name] = part;
      // Without its parts there is nothing left to change.
      if (owner === result) break;
    }
    return result;
  });

  it("gives a configuration or a VoxtwirlError", { timeout: 600_000 }, () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(fc.anything(), edited), (input) => {
        try {
          boundedMemory(1000, () => parseRunConfig(input, taskNamed));
          accepted++;
        } catch (error) {
          if (!(error instanceof VoxtwirlError) || error.code !== "bad-config" || error.fix === "") throw error;
        }
      }),
      { numRuns: FUZZ_RUNS, seed: 7 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

describe("runMetadata", () => {
  it("holds the configuration, the split seed and the data's hash as strings", () => {
    const metadata = runMetadata(config);
    expect(metadata).toMatchObject({ splitSeed: "5", dataSha256: config.data.sha256 });
    expect(parseRunConfig(JSON.parse(metadata.config!), taskNamed)).toEqual(config);
  });
});
