import { describe, expect, it } from "vitest";
import { shaderLibrary } from "../../src/gpu/shaderLibrary.ts";
import { threads1d, WORKGROUP } from "../../src/kernels/threads.ts";

describe("threads", () => {
  it("of a workgroup are as many for the host as for shaders", () => {
    expect(shaderLibrary().thread).toContain(`const WORKGROUP = ${WORKGROUP};`);
  });

  it("fill whole workgroups", () => {
    expect(threads1d(WORKGROUP)).toEqual([1, 1, 1]);
    expect(threads1d(WORKGROUP + 1)).toEqual([2, 1, 1]);
    expect(threads1d(257, 128)).toEqual([3, 1, 1]);
  });
});
