import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { PeerProcess } from "../../bench/peerProcess.ts";
import type { CaseDescription } from "../../bench/protocol.ts";
import { temporaryFolder } from "../temporary.ts";

// An engine that doubles x in channels first, refuses rotations and breaks down on attention.
const engine = (worker: string, arrays: string) => `
import { serve, Unsupported } from ${JSON.stringify(worker)};
import { channelsFirst, channelsLast } from ${JSON.stringify(arrays)};
serve({
  open: async (adapter) => ({ version: "1", notes: [adapter] }),
  async prepare({ operation, attributes }, { x }) {
    if (operation === "rotate") throw new Unsupported("no rotations");
    const first = channelsFirst(x);
    console.log("noise on stdout");
    return {
      workarounds: ["doubling"],
      async run() {
        if (operation === "attention") throw new Error("first line\\n\\n  second line\\nthird line");
        this.y = { shape: first.shape, data: first.data.map((value) => value * attributes.factor) };
      },
      async read() {
        return { y: channelsLast(this.y).data, first: this.y.data };
      },
    };
  },
});
`;

const folder = temporaryFolder("worker");
let peer: PeerProcess;
const shape = [1, 2, 2, 1, 3];
const x = Float32Array.from({ length: 12 }, (_, i) => i);

beforeAll(() => {
  const url = (name: string) => new URL(`../../bench/peers/${name}`, import.meta.url).href;
  writeFileSync(join(folder, "engine.mjs"), engine(url("worker.mjs"), url("arrays.mjs")));
  writeFileSync(join(folder, "x"), x);
});
beforeEach(() => {
  peer = new PeerProcess({ command: process.execPath, args: [join(folder, "engine.mjs")] });
});
afterEach(() => peer.close());

function description(operation: CaseDescription["operation"], changes: Partial<CaseDescription> = {}): CaseDescription {
  const file = (name: string) => join(folder, name);
  const outputs = [
    { name: "y", shape, file: file("y") },
    { name: "first", shape: [12], file: file("first") },
  ];
  return {
    name: "case",
    operation,
    attributes: { factor: 2 },
    inputs: [{ name: "x", shape, file: file("x") }],
    outputs,
    ...changes,
  };
}

const ask = (request: Parameters<PeerProcess["request"]>[0]) => peer.request(request, 60_000);
const floats = (name: string) => [...new Float32Array(Uint8Array.from(readFileSync(join(folder, name))).buffer)];

describe("a peer's worker", () => {
  it("loads, runs and saves a case, in the layouts of the files", async () => {
    expect(await ask({ do: "open", adapter: "any" })).toEqual({ ok: true, version: "1", notes: ["any"] });
    const loaded = await ask({ do: "load", case: description("conv3d") });
    expect(loaded).toMatchObject({ ok: true, workarounds: ["doubling"] });
    const ran = await ask({ do: "run", count: 3 });
    expect(ran.ok && ran.ms).toHaveLength(3);
    expect(await ask({ do: "save" })).toEqual({ ok: true });
    expect(floats("y")).toEqual([...x].map((value) => 2 * value));
    // Channels first: every third value.
    expect(floats("first")).toEqual([0, 6, 12, 18, 2, 8, 14, 20, 4, 10, 16, 22]);
  });

  it("tells what it cannot do from what went wrong, and serves on", async () => {
    expect(await ask({ do: "load", case: description("rotate") })).toEqual({
      ok: false,
      why: "unsupported",
      message: "no rotations",
    });
    const broken = await ask({ do: "load", case: description("attention") });
    expect(broken).toEqual({ ok: false, why: "failed", message: "first line second line" });
    expect(await ask({ do: "run", count: 1 })).toEqual({ ok: false, why: "failed", message: "no case is loaded" });
    expect(await ask({ do: "load", case: description("conv3d") })).toMatchObject({ ok: true });
  });

  it("refuses files and outputs of another size", async () => {
    const inputs = [{ name: "x", shape: [5], file: join(folder, "x") }];
    const reply = await ask({ do: "load", case: description("conv3d", { inputs }) });
    expect(reply).toMatchObject({ ok: false, why: "failed", message: expect.stringContaining("48 bytes") });
    const outputs = [{ name: "y", shape: [7], file: join(folder, "y") }];
    await ask({ do: "load", case: description("conv3d", { outputs }) });
    expect(await ask({ do: "save" })).toMatchObject({
      ok: false,
      message: expect.stringContaining("gave 12 values, expected 7"),
    });
  });
});
