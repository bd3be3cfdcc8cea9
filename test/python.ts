import { execFileSync } from "node:child_process";

/** Debian's, whichever else is on PATH. */
export const python = "/usr/bin/python3";

/** Whether it has ASE (python3-ase); tests that need it are skipped where it has not. */
export const hasAse = works("import ase.io");

/** Whether it has PyTorch (python3-torch). */
export const hasTorch = works("import torch");

/** What a program of Python prints, as JSON. */
export function runPython(code: string, ...args: string[]): unknown {
  return JSON.parse(execFileSync(python, ["-c", code, ...args], { encoding: "utf8", maxBuffer: 2 ** 26 }));
}

function works(code: string): boolean {
  try {
    execFileSync(python, ["-c", code], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
