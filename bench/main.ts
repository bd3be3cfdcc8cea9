import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VoxtwirlError } from "../src/errors.ts";
import type { Gpu } from "../src/gpu/gpu.ts";
import type { Precision } from "../src/graph/graph.ts";
import { measureRoofline } from "../src/graph/roofline.ts";
import { adapterName, isSoftware } from "../src/node/adapters.ts";
import { driverEnvironment, installedDriver, isDriverLoaded } from "../src/node/driver.ts";
import { findSwiftShaderArchive, unpackSwiftShader } from "../src/node/swiftshader.ts";
import type { BenchCase } from "./case.ts";
import { describeMachine } from "./machine.ts";
import { peersFolder } from "./packageRoot.ts";
import { Peer, peerCommand } from "./peer.ts";
import { peerNames, type PeerName } from "./protocol.ts";
import type { BenchRecord } from "./record.ts";
import { RecordBuilder } from "./recordBuilder.ts";
import { runCase } from "./runner.ts";
import type { Effort } from "./engines.ts";
import { onlyWhenNamed, suites } from "./suites/index.ts";

export interface BenchOptions {
  readonly gpu: Gpu;
  readonly cases: readonly BenchCase[];
  readonly against: readonly PeerName[];
  /** Part of the name by which the user chose a GPU. */
  readonly adapter?: string | undefined;
  readonly effort: Effort;
  /** Where the record goes, after each case and at the end. */
  readonly json?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/**
 * Cases of the suites (without any, of all but `onlyWhenNamed`) whose names contain `filter`; in half precision those
 * that have activations to store, under names that end in /f16.
 */
export function selectCases(names: readonly string[], filter = "", precision: Precision = "f32"): BenchCase[] {
  for (const name of names) {
    if (!Object.hasOwn(suites, name)) {
      throw new VoxtwirlError(
        "bad-option",
        `There is no suite ${name}.`,
        `The suites: ${Object.keys(suites).join(", ")}.`,
      );
    }
  }
  const chosen = Object.entries(suites).filter(([name]) => {
    return names.length === 0 ? !onlyWhenNamed.includes(name) : names.includes(name);
  });
  const made = chosen.flatMap(([, make]) => make());
  const stored = precision === "f16" ? made.flatMap((benchCase) => benchCase.inHalf?.() ?? []) : made;
  const cases = stored.filter(({ name }) => name.includes(filter));
  if (cases.length === 0) {
    const kind = precision === "f16" ? "case of half precision" : "case";
    const message = `No ${kind} has ${JSON.stringify(filter)} in its name.`;
    throw new VoxtwirlError("bad-option", message, "See: voxtwirl bench --list");
  }
  return cases;
}

/**
 * Runs cases one after another.
 *
 * @returns the record: of what was measured before it was stopped, where `signal` was raised
 */
export async function bench(options: BenchOptions): Promise<BenchRecord> {
  const { gpu, cases, effort, json, signal, onProgress } = options;
  const machine = describeMachine(gpu);
  onProgress("roofline");
  const roofline = await measureRoofline(gpu);
  const record = new RecordBuilder({ ...machine, roofline, peers: [] });
  const folder = mkdtempSync(join(tmpdir(), "voxtwirl-bench-"));
  const peers = startPeers(options, record);
  const kill = () => peers.forEach((peer) => peer.kill());
  signal.addEventListener("abort", kill);
  const stopped = () => signal.aborted;
  const save = async () => {
    record.note({ peers: peers.map(({ description }) => description) });
    if (json !== undefined) await record.write(json);
  };
  try {
    for (const [index, benchCase] of cases.entries()) {
      if (stopped()) break;
      const prefix = `${index + 1}/${cases.length} `;
      try {
        await runCase(benchCase, {
          gpu,
          roofline,
          peers,
          effort,
          record,
          signal,
          cacheBytes: machine.cache_bytes,
          folder: join(folder, "tensors"),
          onProgress: (text) => onProgress(prefix + text),
        });
      } catch (error) {
        // A case that this adapter has no room for is told, and the others go on.
        if (!(error instanceof VoxtwirlError) || stopped() || error.code === "device-lost") throw error;
        record.refuse({ case: benchCase.name, engine: "voxtwirl", why: "failed", message: error.message });
      }
      await save();
    }
  } catch (error) {
    if (!stopped()) throw error;
  } finally {
    signal.removeEventListener("abort", kill);
    await Promise.all(peers.map((peer) => peer.close()));
    rmSync(folder, { recursive: true, force: true });
  }
  if (signal.aborted) record.note({ interrupted: true });
  await save();
  return record.record;
}

function startPeers({ against, gpu, adapter: named }: BenchOptions, record: RecordBuilder): Peer[] {
  const name = adapterName(gpu.info);
  // Of GPUs, WebGPU does not tell the name that Dawn chooses by; without one it takes the same by itself.
  const adapter = isSoftware(gpu.info) ? name : (named ?? "");
  const env = ownDriverEnvironment(name);
  return against.flatMap((name) => {
    const command = peerCommand(name, env);
    if ("command" in command) return [new Peer(name, command, adapter)];
    record.refuse({ case: "*", engine: name, why: command.why, message: command.message });
    return [];
  });
}

/** For processes that are to find the driver of this one where it is none of the system's. */
function ownDriverEnvironment(adapter: string): Record<string, string> {
  if (adapter === "SwiftShader" && "path" in findSwiftShaderArchive()) return driverEnvironment(unpackSwiftShader());
  const driver = installedDriver();
  return driver && isDriverLoaded(driver) ? driverEnvironment(driver) : {};
}

/** A list such as "tfjs,torch", or "all". */
export function parsePeers(text: string): PeerName[] {
  if (text === "all") return [...peerNames];
  return text.split(",").map((name) => {
    const found = peerNames.find((other) => other === name.trim());
    if (found) return found;
    const what = `There is no engine ${JSON.stringify(name)} to compare with.`;
    throw new VoxtwirlError("bad-option", what, `There are: ${peerNames.join(", ")}, or all.`);
  });
}

/** Installs the peers' packages where their package.json lies, as its lockfile says and without their scripts. */
export function installPeers(): void {
  const folder = peersFolder();
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const options = { cwd: folder, stdio: "inherit", shell: process.platform === "win32" } as const;
  const { status, error } = spawnSync(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], options);
  if (status === 0) return;
  const why = error ? error.message : `npm ended with ${status}`;
  const fix = `See above; the same by hand: cd ${folder} && npm ci --ignore-scripts`;
  throw new VoxtwirlError("io", `The engines were not installed: ${why}.`, fix);
}
