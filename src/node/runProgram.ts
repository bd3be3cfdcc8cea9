import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { VoxtwirlError } from "../errors.ts";

/** How a program ended. */
export interface Ending {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end, in English.
 *
 * @param options `onStatus` receives what it writes to file descriptor 3, by lines
 * @throws VoxtwirlError "aborted" when `signal` aborts; "unsupported" where the program is not found
 */
export async function runProgram(
  [file, ...args]: readonly string[],
  options: { env?: NodeJS.ProcessEnv; signal?: AbortSignal | undefined; onStatus?: (line: string) => void } = {},
): Promise<Ending> {
  const { signal, onStatus } = options;
  const env = { ...process.env, LC_ALL: "C", LANGUAGE: "", ...options.env };
  const child = spawn(file!, args, { stdio: ["ignore", "pipe", "pipe", "pipe"], env, ...(signal && { signal }) });
  const status = child.stdio[3] as Readable;
  let rest = "";
  status.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop()!;
    for (const line of lines) onStatus?.(line);
  });
  const [stdout, stderr] = [collect(child.stdout!), collect(child.stderr!)];
  const code = await new Promise<number | null>((resolve, reject) => {
    // A process that was stopped may go on for a moment.
    child.once("error", (error) => !signal?.aborted && reject(asMissing(file!, error)));
    child.once("close", resolve);
  });
  // Ctrl-C reaches the program too, and may end it before this process hears of it.
  await new Promise((resolve) => setTimeout(resolve, code === 0 ? 0 : 20));
  if (signal?.aborted) throw new VoxtwirlError("aborted", "Stopped; nothing was installed.", "Start it again.");
  return { code, stdout: stdout(), stderr: stderr() };
}

function asMissing(file: string, cause: NodeJS.ErrnoException): Error {
  if (cause.code !== "ENOENT") return cause;
  return new VoxtwirlError("unsupported", `This machine has no ${file}.`, `Install ${file}.`, { cause });
}

function collect(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (data: string) => (text += data));
  return () => text;
}
