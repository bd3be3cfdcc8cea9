import { writeFileAtomic } from "../src/node/files.ts";
import type { BenchRecord } from "./record.ts";

/** Writes a record; the path holds a whole one at any time. */
export async function writeRecord(path: string, record: BenchRecord): Promise<void> {
  await writeFileAtomic(path, recordText(record));
}

/** One line a row, a result and a refusal, so that records are small and compare line by line. */
function recordText(record: BenchRecord): string {
  const sections = Object.entries(record).map(([name, value]) => {
    const rows = (list: unknown[]) => `[\n${list.map((row) => JSON.stringify(row)).join(",\n")}\n]`;
    return `${JSON.stringify(name)}: ${Array.isArray(value) ? rows(value) : JSON.stringify(value, null, 1)}`;
  });
  return `{\n${sections.join(",\n")}\n}\n`;
}
