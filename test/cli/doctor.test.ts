import { describe, expect, it } from "vitest";
import { findSwiftShaderArchive } from "../../src/node/swiftshader.ts";
import { useBuiltCommand } from "./built.ts";

const { run, places } = useBuiltCommand();
const linux = process.platform === "linux";
const withSwiftShader = "path" in findSwiftShaderArchive();

describe("voxtwirl doctor", () => {
  it("shows the adapter and proves a kernel", async () => {
    const { code, stdout } = await run(["doctor"]);
    expect(code).toBe(0);
    for (const row of ["adapter", "driver", "features", "largest binding", "proof"]) {
      expect(stdout).toMatch(new RegExp(`^${row} +\\S`, "m"));
    }
    expect(stdout).toMatch(/error \S+, allowed \S+: right/);
  });

  it("says the same to programs", async () => {
    const { code, stdout } = await run(["doctor", "--json"]);
    const report = JSON.parse(stdout) as {
      proof: { maxError: number; allowed: number };
      missing: { what: string; fix: string }[];
    };
    expect(code).toBe(0);
    expect(report).toMatchObject({ ok: true, limits: { maxStorageBufferBindingSize: expect.any(Number) } });
    expect(report.proof.maxError).toBeGreaterThan(0);
    expect(report.proof.maxError).toBeLessThanOrEqual(report.proof.allowed);
    for (const { what, fix } of report.missing) expect([what, fix]).not.toContain("");
  });

  it("fails with the names there are when the adapter's name is wrong", async () => {
    const { code, stdout, stderr } = await run(["doctor", "--adapter", "no such"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^voxtwirl: There is no adapter named "no such"\.\n {2}\S.*\n$/);
  });

  it.runIf(linux)("fails with the reason and a remedy where there is no adapter at all", async () => {
    for (const place of [places.noDriver, places.noLoader]) {
      const env = { ...place, VOXTWIRL_NO_SWIFTSHADER: "1" };
      const { code, stdout, stderr } = await run(["doctor"], env);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^voxtwirl: There is no WebGPU adapter.*VOXTWIRL_NO_SWIFTSHADER.*\n.*\n$/);
      expect(stderr).toContain("mesa-vulkan-drivers");
    }
    const { code, stdout } = await run(["doctor", "--json"], { ...places.noDriver, VOXTWIRL_NO_SWIFTSHADER: "1" });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "no-adapter" } });
  });

  it.runIf(linux && withSwiftShader)("runs on SwiftShader where the system has no driver", async () => {
    const { code, stdout } = await run(["doctor", "--json"], places.noDriver);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, adapter: { name: "SwiftShader", software: true } });
  });

  it.runIf(linux && withSwiftShader)("runs on SwiftShader without a Vulkan loader, and no word of Dawn's", async () => {
    const { code, stdout, everything } = await run(["doctor", "--json"], places.noLoader);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, adapter: { name: "SwiftShader" }, installed: null });
    expect(everything).not.toContain("Couldn't load Vulkan");
  });

  it.runIf(linux)("says of hardware without a Vulkan loader what is missing, and Dawn is not asked", async () => {
    const env = { ...places.noLoader, VOXTWIRL_NO_SWIFTSHADER: "1" };
    const { code, everything } = await run(["doctor", "--adapter", "hardware"], env);
    expect(code).toBe(1);
    expect(everything).toMatch(/^voxtwirl: There is no hardware adapter: .* no Vulkan loader \(.*\)\.\n {2}\S.*\n$/);
  });

  it.runIf(linux)("refuses a folder of VOXTWIRL_DRIVER that has no driver", async () => {
    const { code, stderr } = await run(["doctor"], { VOXTWIRL_DRIVER: "/no such" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^voxtwirl: VOXTWIRL_DRIVER=\/no such is no driver: /);
  });
});
