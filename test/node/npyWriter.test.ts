import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readNpy } from "../../src/node/npy.ts";
import { NpyWriter } from "../../src/node/npyWriter.ts";
import { temporaryFolder } from "../temporary.ts";

const folder = temporaryFolder("npy-writer");
const file = (name: string) => join(folder, name);

describe("NpyWriter", () => {
  it("writes entries one after another, and how many they are at the end", async () => {
    const writer = await NpyWriter.create(file("a.npy"), [2, 3]);
    await writer.append(Float32Array.of(9, 1, 2, 3, 4, 5, 6).subarray(1));
    await writer.append(Float32Array.from({ length: 12 }, (_, i) => i / 3));
    await writer.finish();
    const { shape, data } = await readNpy(file("a.npy"));
    expect(shape).toEqual([3, 2, 3]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6, ...Float32Array.from({ length: 12 }, (_, i) => i / 3)]);
    // As NumPy aligns them.
    expect((statSync(file("a.npy")).size - 18 * 4) % 64).toBe(0);
  });

  it("writes arrays of one axis and of none of the entries", async () => {
    const line = await NpyWriter.create(file("line.npy"), []);
    await line.append(Float32Array.of(1, 2, 3));
    await line.finish();
    expect((await readNpy(file("line.npy"))).shape).toEqual([3]);
    const none = await NpyWriter.create(file("none.npy"), [4]);
    await none.finish();
    expect((await readNpy(file("none.npy"))).shape).toEqual([0, 4]);
  });

  it("is no array that can be read before it is finished", async () => {
    const writer = await NpyWriter.create(file("part.npy"), [2]);
    await writer.append(Float32Array.of(1, 2));
    await writer.close();
    await expect(readNpy(file("part.npy"))).rejects.toMatchObject({ code: "bad-file" });
  });

  it("takes the place of no file", async () => {
    writeFileSync(file("there.npy"), "");
    await expect(NpyWriter.create(file("there.npy"), [2])).rejects.toMatchObject({ code: "io" });
  });
});
