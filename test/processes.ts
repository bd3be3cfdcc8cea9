import { execFile, type ExecFileOptions } from "node:child_process";

export interface Result {
  /** -1 where the process was ended by a signal or could not be started. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end. */
export function runProcess(file: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, args, { ...options, encoding: "utf8" }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
