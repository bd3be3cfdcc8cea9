// What the page shows, arranged: records by adapter, cases in their order, engines beside ours.
import { escapeHtml } from "../../src/report/html.ts";
import { peerNames } from "../protocol.ts";
import type { BenchRecord, CaseResult, Refusal } from "../record.ts";

/** All records of one adapter, oldest first. */
export interface AdapterRecords {
  /** Unique in the page, for links. */
  readonly id: string;
  readonly title: string;
  readonly records: readonly BenchRecord[];
  /** The newest result of every case and engine, whichever record it is in. */
  readonly latest: BenchRecord;
}

/** One peer on one case of ours. */
export interface PeerOutcome {
  readonly engine: string;
  readonly result?: CaseResult;
  readonly refusal?: Refusal;
  /** Its time over ours: above 1 where ours is faster. Only of results that are right. */
  readonly ratio?: number;
}

export interface CaseOutcome {
  readonly name: string;
  readonly ours: CaseResult;
  readonly peers: readonly PeerOutcome[];
}

/** Engines that run on the processor itself, beside those that run on the same WebGPU adapter. */
const NATIVE: readonly string[] = ["ort-wasm", "ort-node-cpu", "torch"];
export const isNative = (engine: string): boolean => NATIVE.includes(engine);

const isPeer = (engine: string): boolean => (peerNames as readonly string[]).includes(engine);

/** Records in groups of one adapter; for a software adapter the processor is a part of what it is. */
export function groupByAdapter(records: readonly BenchRecord[]): AdapterRecords[] {
  const groups = new Map<string, BenchRecord[]>();
  for (const record of records) {
    const { adapter, cpu, num_cpus: cores } = record.context;
    const title = adapter.software ? `${adapter.name} on ${cores} × ${cpu}` : adapter.name;
    groups.set(title, [...(groups.get(title) ?? []), record]);
  }
  const time = (record: BenchRecord): number => Date.parse(record.context.date);
  const sorted = [...groups].map(([title, list]) => ({ title, list: list.toSorted((a, b) => time(a) - time(b)) }));
  sorted.sort((a, b) => time(b.list.at(-1)!) - time(a.list.at(-1)!));
  return sorted.map(({ title, list }, i) => ({ id: `adapter-${i + 1}`, title, records: list, latest: newestOf(list) }));
}

/** One record of what several say of one adapter, the newest last: suites may be measured in runs of their own. */
function newestOf(records: readonly BenchRecord[]): BenchRecord {
  const key = ({ case: name, engine }: CaseResult | Refusal): string => `${name} ${engine}`;
  const results = new Map<string, CaseResult>();
  const refusals = new Map<string, Refusal>();
  const peers = new Map<string, BenchRecord["context"]["peers"][number]>();
  for (const record of records) {
    for (const result of record.results) {
      results.set(key(result), result);
      refusals.delete(key(result));
    }
    for (const refusal of record.refusals) {
      refusals.set(key(refusal), refusal);
      results.delete(key(refusal));
    }
    for (const peer of record.context.peers) peers.set(peer.name, peer);
  }
  const last = records.at(-1)!;
  const context = { ...last.context, peers: [...peers.values()] };
  return { ...last, context, results: [...results.values()], refusals: [...refusals.values()] };
}

export const ownResults = (record: BenchRecord): CaseResult[] => record.results.filter(({ engine }) => !isPeer(engine));

/** Engines that the record compares ours with, those on the same adapter first. */
export function peersOf({ results, refusals }: BenchRecord): string[] {
  const found = new Set([
    ...results.map(({ engine }) => engine).filter(isPeer),
    ...refusals.map(({ engine }) => engine),
  ]);
  const order = (engine: string): number =>
    (isNative(engine) ? 100 : 0) + (peerNames as readonly string[]).indexOf(engine);
  return [...found].sort((a, b) => order(a) - order(b));
}

/** Every case of ours with what each peer made of it. */
export function outcomes(record: BenchRecord): CaseOutcome[] {
  const peers = peersOf(record);
  return ownResults(record).map((ours) => ({
    name: ours.case,
    ours,
    peers: peers.flatMap((engine): PeerOutcome[] => {
      const result = record.results.find((r) => r.case === ours.case && r.engine === engine);
      const refusal = record.refusals.find((r) => r.engine === engine && (r.case === ours.case || r.case === "*"));
      if (!result) return refusal ? [{ engine, refusal }] : [];
      const ratio = result.ratio ?? result.wallMs / ours.wallMs;
      return [{ engine, result, ...(result.right !== false && ratio > 0 && { ratio }) }];
    }),
  }));
}

/** Geometric mean; undefined of nothing. */
export function geometricMean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export const shortCommit = ({ commit, dirty }: BenchRecord["context"]): string =>
  commit === "" ? "no commit" : `${commit.slice(0, 8)}${dirty ? " with changes" : ""}`;

/** Cases that are shown together: those of all small suites, or of one large suite. */
export interface Part<T> {
  /** Name of the large suite. */
  readonly suite?: string;
  readonly items: readonly T[];
}

const LARGE = 24;

/** Suites of more than 24 cases stand apart, or they would bury the others. */
export function partsOf<T>(items: readonly T[], suiteOf: (item: T) => string): Part<T>[] {
  const count = (suite: string): number => items.filter((item) => suiteOf(item) === suite).length;
  const large = [...new Set(items.map(suiteOf))].filter((suite) => count(suite) > LARGE);
  const small = items.filter((item) => !large.includes(suiteOf(item)));
  const apart = large.map((suite) => ({ suite, items: items.filter((item) => suiteOf(item) === suite) }));
  return [...(small.length > 0 ? [{ items: small }] : []), ...apart];
}

/** A large suite's part of the page, closed until asked for. */
export const folded = (suite: string, count: number, html: string): string =>
  `<details><summary>${escapeHtml(suite)}: ${count} cases</summary>${html}</details>`;
