import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { PeerProcess } from "../../bench/peerProcess.ts";
import { peerNames } from "../../bench/protocol.ts";
import { temporaryFolder } from "../temporary.ts";

// The peers where nothing is installed: outside the project, so that no node_modules further up helps.
const source = fileURLToPath(new URL("../../bench/peers", import.meta.url));
const folder = temporaryFolder("peers");

beforeAll(() => {
  cpSync(source, folder, { recursive: true, filter: (path) => basename(path) !== "node_modules" });
});

async function open(command: string, args: string[]) {
  const peer = new PeerProcess({ command, args });
  try {
    return await peer.request({ do: "open", adapter: "" }, 60_000);
  } finally {
    await peer.close();
  }
}

describe("a peer that is not installed", () => {
  for (const name of peerNames.filter((name) => name !== "torch" && name !== "ase")) {
    it(`${name} says which package is missing and how to get it`, async () => {
      const reply = await open(process.execPath, [join(folder, `${name}.mjs`)]);
      expect(reply).toMatchObject({ ok: false, why: "missing" });
      const dawn = ["tfjs", "jax-js", "ort-web"].includes(name);
      const missing = dawn ? "webgpu" : name === "ort-wasm" ? "onnxruntime-web" : "onnxruntime-node";
      expect(reply).toHaveProperty("message", expect.stringContaining(`package ${missing} is not installed`));
      expect(reply).toHaveProperty("message", expect.stringContaining("voxtwirl bench --install-peers"));
    });
  }

  it.each([
    ["torch", "torch"],
    ["ase", "numpy"],
  ])("%s says that python3 has none", async (name, module) => {
    // Without its site packages no Python has it; where there is no Python, that is what is said.
    const reply = await open("python3", ["-I", "-S", join(folder, "python_peer.py"), name]);
    const python = spawnSync("python3", ["--version"]).error === undefined;
    expect(reply).toMatchObject({ ok: false, why: python ? "missing" : "failed" });
    expect(reply).toHaveProperty(
      "message",
      expect.stringContaining(python ? `python3 has no module ${module}` : "cannot be started"),
    );
  });
});
