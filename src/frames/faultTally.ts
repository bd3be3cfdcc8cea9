import type { FrameFault } from "./frameFault.ts";

/** Faults of one kind. */
export interface FaultRecord {
  readonly kind: FrameFault["kind"];
  readonly count: number;
  /** The first few, by their frames. */
  readonly first: readonly FrameFault[];
}

/** So many of each kind are kept. */
const KEPT = 3;

/** Counts what is wrong, and keeps the first of each kind: by their frames, not by when they were found. */
export class FaultTally {
  readonly #kinds = new Map<FrameFault["kind"], FaultRecord>();

  add(fault: FrameFault): void {
    this.take([{ kind: fault.kind, count: 1, first: [fault] }]);
  }

  /** Adds what `record` gave. Faults of one frame are in one record. */
  take(records: readonly FaultRecord[]): void {
    for (const { kind, count, first } of records) {
      const before = this.#kinds.get(kind) ?? { count: 0, first: [] };
      const all = [...before.first, ...first].sort(byFrame).slice(0, KEPT);
      this.#kinds.set(kind, { kind, count: before.count + count, first: all });
    }
  }

  /** By kind, the one that was first first. */
  record(): FaultRecord[] {
    return [...this.#kinds.values()].sort((a, b) => byFrame(a.first[0]!, b.first[0]!) || (a.kind < b.kind ? -1 : 1));
  }

  counts(): Partial<Record<FrameFault["kind"], number>> {
    return Object.fromEntries(this.record().map(({ kind, count }) => [kind, count]));
  }
}

/** Those of no known frame come last. */
function byFrame(a: FrameFault, b: FrameFault): number {
  const place = ({ frame = Infinity, predicted = 0 }: FrameFault) => [frame, predicted] as const;
  const [[frameA, predictedA], [frameB, predictedB]] = [place(a), place(b)];
  return frameA === frameB ? predictedA - predictedB : frameA - frameB;
}
