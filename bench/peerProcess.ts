import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { PeerReply, PeerRequest } from "./protocol.ts";

export type Failure = Extract<PeerReply, { ok: false }>;

export interface PeerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Of what a process printed, so much is kept to explain its death. */
const KEPT_CHARACTERS = 2000;

/** One engine in a process of its own. Requests are answered one after another and never reject. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #printed = "";
  #ended: string | undefined;
  #answer: ((reply: PeerReply) => void) | undefined;

  constructor({ command, args, env }: PeerCommand) {
    // In a session of its own: Ctrl-C is for us, who end it then.
    const options = { detached: true, windowsHide: true, ...(env && { env }) };
    const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"], ...options });
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#printed = (this.#printed + text).slice(-KEPT_CHARACTERS);
      });
    }
    // Writing to a process that has ended is told by its end.
    child.stdio[3]!.on("error", () => {});
    child.stdio[4]!.on("error", () => {});
    createInterface({ input: child.stdio[4] as Readable }).on("line", (line) => this.#receive(line));
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#end(`cannot be started: ${error.message}`);
        resolve();
      });
      // "close" rather than "exit": what it printed last has arrived.
      child.once("close", (code, signal) => {
        this.#end(`ended with ${signal ?? `exit code ${code}`}`);
        resolve();
      });
    });
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** Sends a request; a process that dies, or says nothing for so long (then it is killed), has failed. */
  async request(request: PeerRequest, timeoutMs: number): Promise<PeerReply> {
    if (this.#ended !== undefined) return this.#failure();
    const reply = new Promise<PeerReply>((resolve) => (this.#answer = resolve));
    const timer = setTimeout(() => {
      this.#ended = `gave no answer to '${request.do}' within ${Math.round(timeoutMs / 1000)} s and was stopped`;
      this.kill();
    }, timeoutMs);
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify(request)}\n`);
    try {
      return await reply;
    } finally {
      clearTimeout(timer);
      this.#answer = undefined;
    }
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Asks it to end, and makes it. */
  async close(): Promise<void> {
    if (this.alive) {
      (this.#child.stdio[3] as Writable).end(`${JSON.stringify({ do: "close" } satisfies PeerRequest)}\n`);
      const timer = setTimeout(() => this.kill(), 5000);
      await this.#exited;
      clearTimeout(timer);
    }
    await this.#exited;
  }

  #receive(line: string): void {
    const reply = parse(line);
    if (reply) return this.#answer?.(reply);
    // What it says later would be taken for the answer to something else.
    this.#ended ??= `answered with what is no reply, and was stopped: ${line.slice(0, 200)}`;
    this.kill();
  }

  #end(how: string): void {
    this.#ended ??= how;
    this.#answer?.(this.#failure());
  }

  #failure(): Failure {
    const printed = this.#printed.trim();
    return { ok: false, why: "failed", message: `the process ${this.#ended}${printed ? `:\n${printed}` : ""}` };
  }
}

function parse(line: string): PeerReply | undefined {
  try {
    const reply: unknown = JSON.parse(line);
    return typeof reply === "object" && reply !== null && "ok" in reply ? (reply as PeerReply) : undefined;
  } catch {
    return undefined;
  }
}
