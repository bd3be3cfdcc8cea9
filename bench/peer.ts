import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { BenchRecord } from "./record.ts";
import { peersFolder } from "./packageRoot.ts";
import { PeerProcess, type Failure, type PeerCommand } from "./peerProcess.ts";
import type { CaseDescription, PeerName, PeerReply } from "./protocol.ts";

export interface PeerTimeouts {
  /** Of opening an engine, and of loading a case with its first run: some compile for a minute, some run for ten. */
  readonly loadMs: number;
  /** Of one run beyond twenty times the first. */
  readonly runMs: number;
}

const TIMEOUTS: PeerTimeouts = { loadMs: 1_800_000, runMs: 120_000 };
/** Deaths in a row after which an engine is left alone. */
const MAX_DEATHS = 3;

/**
 * After its turn a peer is left alone for so long: thread pools (OpenBLAS's, OpenMP's, ONNX Runtime's) look for work
 * before they sleep, and whoever is next would run beside them.
 */
const SETTLE_MS = 100;

/** Another engine: started when first needed, and anew after it died. */
export class Peer {
  readonly name: string;
  readonly #command: PeerCommand;
  readonly #adapter: string;
  readonly #timeouts: PeerTimeouts;
  #process: PeerProcess | undefined;
  #version = "";
  #notes: readonly string[] = [];
  #deaths = 0;
  /** Why it cannot be used at all. */
  #unusable: Failure | undefined;
  #firstMs = 0;

  constructor(name: string, command: PeerCommand, adapter: string, timeouts: PeerTimeouts = TIMEOUTS) {
    this.name = name;
    this.#command = command;
    this.#adapter = adapter;
    this.#timeouts = timeouts;
  }

  get description(): BenchRecord["context"]["peers"][number] {
    return { name: this.name, version: this.#version, notes: this.#notes };
  }

  /** Starts the engine where it does not run; what keeps it from that. */
  async open(): Promise<Failure | undefined> {
    if (this.#unusable) return this.#unusable;
    if (this.#process?.alive) return undefined;
    this.#process = new PeerProcess(this.#command);
    const reply = await this.#process.request({ do: "open", adapter: this.#adapter }, this.#timeouts.loadMs);
    if (!reply.ok) {
      // An engine that does not open would not for the next case either.
      this.#unusable = reply;
      await this.close();
      return reply;
    }
    this.#version = reply.version ?? "";
    this.#notes = reply.notes ?? [];
    return undefined;
  }

  async load(description: CaseDescription): Promise<PeerReply> {
    const failure = await this.open();
    if (failure) return failure;
    const reply = await this.#request({ do: "load", case: description }, this.#timeouts.loadMs);
    this.#firstMs = reply.ok ? (reply.firstMs ?? 0) : 0;
    return reply;
  }

  save(): Promise<PeerReply> {
    return this.#request({ do: "save" }, this.#timeouts.loadMs);
  }

  run(count: number): Promise<PeerReply> {
    return this.#request({ do: "run", count }, this.#timeouts.runMs + 20 * count * this.#firstMs);
  }

  /** Ends a request in progress: it fails. */
  kill(): void {
    this.#process?.kill();
  }

  async close(): Promise<void> {
    await this.#process?.close();
    this.#process = undefined;
  }

  async #request(request: Parameters<PeerProcess["request"]>[0], timeoutMs: number): Promise<PeerReply> {
    const reply: PeerReply = await this.#process!.request(request, timeoutMs);
    if (this.#process!.alive) {
      await setTimeout(SETTLE_MS);
      if (reply.ok) this.#deaths = 0;
    } else if (++this.#deaths >= MAX_DEATHS) {
      const last = reply.ok ? "" : `; the last time ${reply.message}`;
      this.#unusable = { ok: false, why: "failed", message: `died ${MAX_DEATHS} times in a row${last}` };
    }
    return reply;
  }
}

/**
 * Options of Node that an engine needs, found by trial: without it 25 MB of WASM are optimised during the first run.
 */
const NODE_OPTIONS: Partial<Record<PeerName, readonly string[]>> = {
  "ort-web": ["--liftoff-only"],
};

/** How to start a peer, or why it cannot be. `env` is added to this process's environment. */
export function peerCommand(name: PeerName, env: Readonly<Record<string, string>>): PeerCommand | Failure {
  const isPython = name === "torch" || name === "ase";
  const script = join(peersFolder(), isPython ? "python_peer.py" : `${name}.mjs`);
  if (!existsSync(script)) return { ok: false, why: "missing", message: `there is no ${script}` };
  const environment = { ...process.env, ...env };
  return isPython
    ? { command: "python3", args: [script, name], env: environment }
    : { command: process.execPath, args: [...(NODE_OPTIONS[name] ?? []), script], env: environment };
}
