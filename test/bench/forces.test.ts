import { describe, expect, it } from "vitest";
import { forceCases } from "../../bench/suites/forces.ts";
import { testGpu } from "../harness.ts";

describe("a training step of a force field", () => {
  it.each(["forces/train", "forces/train/spice"])("takes little more memory than it must: %s", async (name) => {
    const step = forceCases().find((one) => one.name === name)!;
    const opened = await step.open(await testGpu(), step.data(), 0);
    const { plannedBytes, lowerBoundBytes } = opened.memory!;
    opened.destroy();
    expect(lowerBoundBytes).toBeGreaterThan(100e6);
    expect(plannedBytes / lowerBoundBytes).toBeLessThanOrEqual(1.15);
    expect(plannedBytes).toBeGreaterThanOrEqual(lowerBoundBytes);
  });
});
