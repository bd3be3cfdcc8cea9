import { spawn } from "node:child_process";
import { existsSync } from "node:fs";

/** A terminal for tests: `script` of util-linux gives a command a pseudo-terminal and passes on what is typed. */
export const hasTerminal = process.platform === "linux" && existsSync("/usr/bin/script");

/** What a command on a terminal did. */
export interface Session {
  readonly code: number | null;
  /** All that it wrote to the terminal. */
  readonly output: string;
  /** What was rewritten in place, each form of it. */
  readonly live: readonly string[];
}

/**
 * Runs a shell command on a terminal so many columns wide and presses Ctrl-C once, when what it shows fits a pattern.
 */
export function onTerminal(command: string, columns: number, stopAt: RegExp): Promise<Session> {
  const child = spawn("/usr/bin/script", ["-qec", `stty cols ${columns} && ${command}`, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  let stopped = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (stopped || !stopAt.test(output)) return;
    stopped = true;
    child.stdin.write("\x03");
  });
  return new Promise((resolve) =>
    child.once("close", (code) => {
      // Each form but the last is followed by what clears it; what ends a line stays.
      const live = output
        .split("\r\x1b[K")
        .slice(1, -1)
        .map((line) => line.replace("^C", ""));
      resolve({ code, output, live: live.filter((line) => line !== "" && !line.includes("\n")) });
    }),
  );
}
