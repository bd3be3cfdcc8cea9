import { afterEach, describe, expect, it, vi } from "vitest";
import { adapterName, isSoftware, softwareNotice } from "../../src/node/adapters.ts";
import { findSwiftShaderArchive } from "../../src/node/swiftshader.ts";
import { openAdapter } from "../../src/node/open.ts";
import { openGpu } from "../../src/node/openGpu.ts";

afterEach(() => vi.unstubAllEnvs());

function info(fields: Partial<GPUAdapterInfo>): GPUAdapterInfo {
  const empty = { vendor: "", architecture: "", device: "", description: "", isFallbackAdapter: false };
  return { ...empty, ...fields } as GPUAdapterInfo;
}

describe("openAdapter", () => {
  it("finds an adapter and says when it is a software one", async () => {
    const { adapter, software, notice } = await openAdapter();
    expect(adapter.limits.maxBufferSize).toBeGreaterThan(0);
    expect(notice !== undefined).toBe(software);
    expect(notice ?? "one line").not.toContain("\n");
  });

  it("gives a fresh adapter each time, so that each can open a device", async () => {
    const [first, second] = [await openAdapter(), await openAdapter()];
    expect(second.gpu).toBe(first.gpu);
    const devices = [await first.adapter.requestDevice(), await second.adapter.requestDevice()];
    for (const device of devices) device.destroy();
  });

  it("defines WebGPU's global names", async () => {
    await openAdapter();
    expect(GPUBufferUsage.STORAGE).toBe(128);
  });

  it("takes only a software adapter for 'software', and nothing else than hardware for 'hardware'", async () => {
    const software = await openAdapter({ adapter: "software" });
    expect(software.software).toBe(true);
    if ((await openAdapter({ adapter: "auto" })).name === "llvmpipe") expect(software.name).toBe("llvmpipe");
    const hardware = await openAdapter({ adapter: "hardware" }).catch((error: unknown) => error);
    if ("software" in (hardware as object)) expect(hardware).toHaveProperty("software", false);
    else expect(hardware).toMatchObject({ code: "no-adapter", message: expect.stringContaining("no hardware") });
  });

  it("answers a wrong name with the names there are", async () => {
    const { name } = await openAdapter();
    await expect(openAdapter({ adapter: "no such" })).rejects.toMatchObject({
      code: "no-adapter",
      message: expect.stringContaining('"no such"'),
      fix: expect.stringContaining(name),
    });
  });

  it("reads VOXTWIRL_ADAPTER where no option is given", async () => {
    vi.stubEnv("VOXTWIRL_ADAPTER", "no such");
    await expect(openAdapter()).rejects.toMatchObject({ code: "no-adapter" });
    await expect(openAdapter({ adapter: "auto" })).resolves.toHaveProperty("adapter");
  });

  const hasSwiftShader = "path" in findSwiftShaderArchive();
  it.runIf(hasSwiftShader)("finds SwiftShader by name beside other drivers, and these again", async () => {
    const before = (await openAdapter({ adapter: "software" })).name;
    const environment = { ...process.env };
    expect((await openAdapter({ adapter: "swiftshader" })).name).toBe("SwiftShader");
    expect(process.env).toEqual(environment);
    expect((await openAdapter({ adapter: "software" })).name).toBe(before);
  });
});

describe("openGpu", () => {
  it("tells of a software adapter once and gives it a memory budget", async () => {
    const lines: string[] = [];
    const gpu = await openGpu({ adapter: "software", onNotice: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringMatching(/^software adapter .*faster/)]);
    expect(gpu.memoryBudget).toBeGreaterThan(2 ** 26);
    expect(gpu.memoryBudget).toBeLessThan(2 ** 44);
    gpu.destroy();
  });
});

describe("names", () => {
  const lavapipe = info({ architecture: "software", description: "llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)" });
  const swiftShader = info({ architecture: "swiftshader", description: "SwiftShader driver 5.0.0" });
  const nvidia = info({ vendor: "nvidia", architecture: "hopper", description: "NVIDIA: 550.90.07" });

  it("are short, also of adapters that tell little", () => {
    expect([lavapipe, swiftShader, nvidia].map(adapterName)).toEqual(["llvmpipe", "SwiftShader", "NVIDIA: 550.90.07"]);
    expect(adapterName(info({ vendor: "intel", architecture: "xe" }))).toBe("intel xe");
    expect(adapterName(info({}))).toBe("unnamed");
  });

  it("tell software from hardware", () => {
    expect([lavapipe, swiftShader, nvidia].map(isSoftware)).toEqual([true, true, false]);
    expect(isSoftware(info({ isFallbackAdapter: true }))).toBe(true);
  });

  it("come with what would be faster", () => {
    const notice = (name: string, more: object = { software: true }, subgroupMinSize = 8) =>
      softwareNotice({ name, adapter: { info: info({ description: name, subgroupMinSize }) }, ...more } as never);
    expect(notice("NVIDIA", { software: false }, 32)).toBeUndefined();
    expect(notice("llvmpipe")).toMatch(/llvmpipe \(\d+ cores?\); a GPU/);
    expect(notice("llvmpipe", undefined, 16)).toMatch(/256 bits: unset LP_NATIVE_VECTOR_WIDTH/);
    expect(notice("SwiftShader")).toMatch(process.platform === "linux" ? /voxtwirl driver install|Mesa/ : /GPU/);
    const broken = notice("SwiftShader", { software: true, problem: "it is half there" });
    if (process.platform === "linux") expect(broken).toContain("half there): npx voxtwirl driver install --force");
  });
});
