import { VoxtwirlError } from "../src/errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function badRecord(path: string, why: string): VoxtwirlError {
  const fix = "Make it anew with `voxtwirl bench --json FILE`, or move it elsewhere.";
  return new VoxtwirlError("bad-file", `${path} is not a benchmark's record: ${why}.`, fix);
}
