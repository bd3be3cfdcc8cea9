import { afterEach, describe, expect, it, vi } from "vitest";
import { Gpu } from "../../src/gpu/gpu.ts";
import { testGpu } from "../harness.ts";

/** Opens what a program has got, which types would not let through. */
const open = (given: unknown) => Gpu.open(given as null);
const fromDevice = (given: unknown) => Gpu.fromDevice(given as GPUDevice);
const refusal = (code: string, fix: RegExp): unknown =>
  expect.objectContaining({ name: "VoxtwirlError", code, fix: expect.stringMatching(fix) });

describe("an adapter or a device that is not there", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([null, undefined])("%s: in Node, what to do there and in a browser", async (nothing) => {
    const both = refusal("no-adapter", /voxtwirl\/node.* HTTPS or localhost.*chrome:\/\/gpu/);
    vi.stubGlobal("navigator", undefined);
    await expect(open(nothing)).rejects.toThrow(both);
    expect(() => fromDevice(nothing)).toThrow(both);
  });

  it("in a browser, by what it lacks", async () => {
    vi.stubGlobal("process", undefined);
    vi.stubGlobal("navigator", { gpu: {} });
    await expect(open(null)).rejects.toThrow(refusal("no-adapter", /chrome:\/\/gpu/));
    vi.stubGlobal("navigator", {});
    await expect(open(null)).rejects.toThrow(refusal("no-adapter", /a current Chrome/));
    vi.stubGlobal("isSecureContext", false);
    await expect(open(null)).rejects.toThrow(refusal("no-adapter", /^Serve it by HTTPS/));
  });

  it("or something else, by what it is", async () => {
    for (const other of [5, "llvmpipe", {}, { createBuffer: 1 }]) {
      await expect(open(other)).rejects.toThrow(refusal("bad-option", /requestAdapter/));
      expect(() => fromDevice(other)).toThrow(refusal("bad-option", /requestDevice/));
    }
    await expect(open(Promise.resolve(null))).rejects.toThrow(refusal("bad-option", /^Await it/));
    expect(() => fromDevice(Promise.resolve(null))).toThrow(refusal("bad-option", /^Await it/));
  });

  it("and a device of an older browser, which does not tell its adapter, takes its info", async () => {
    const { device, info } = await testGpu();
    const older = new Proxy(device, {
      get: (target, name): unknown => {
        const value: unknown = name === "adapterInfo" ? undefined : Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    expect(() => fromDevice(older)).toThrow(refusal("bad-option", /adapter\.info/));
    expect(Gpu.fromDevice(older, { info }).info).toBe(info);
  });
});
