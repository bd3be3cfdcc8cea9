import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/random.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { metricRows, SMALL_FORCE_RUN, SMALL_RUN, withoutTime } from "./smallRun.ts";

const command = useBuiltCommand();
const root = temporaryFolder("kill");

/** How often the run is killed, that of forces less often: about two seconds each on an idle machine. */
const KILLS = Number(process.env.VOXTWIRL_KILLS ?? 20);
const STEPS = 8;

/** Few molecules, with energies and forces for the task that takes them: less time goes by before the first step. */
const data = join(root, "few.extxyz");
const place = new Random(9);
const numbers = (count: number) => Array.from({ length: count }, () => (3 * place.next() - 1.5).toFixed(3)).join(" ");
const frame = () => {
  const comment = `Properties=species:S:1:pos:R:3:forces:R:3 energy=${numbers(1)}`;
  return ["3", comment, ...["C", "H", "O"].map((element) => `${element} ${numbers(6)}`), ""].join("\n");
};
writeFileSync(data, Array.from({ length: 12 }, frame).join(""));

/** The smallest run, with an evaluation and a checkpoint at every step: most of its time it is writing. */
const fresh = (size: readonly string[]) => [
  ...["train", "--data", data, ...size, "--steps", String(STEPS), "--every", "1", "--keep-checkpoints", "--quiet"],
];
const file = (folder: string, name: string) => join(folder, name);
const tensorsOf = (path: string) => decodeSafetensors(readFileSync(path), path);
const rowsOf = (folder: string) => withoutTime(metricRows(folder));

function expectSame(folder: string, whole: string): void {
  const states = [folder, whole].map((path) => tensorsOf(file(path, "state.safetensors")));
  expect(states[0]!.tensors).toEqual(states[1]!.tensors);
  expect(states[0]!.metadata.step).toBe(String(STEPS));
  expect(readFileSync(file(folder, "model.safetensors")).equals(readFileSync(file(whole, "model.safetensors")))).toBe(
    true,
  );
  expect(rowsOf(folder)).toEqual(rowsOf(whole));
  expect(readdirSync(folder).sort()).toEqual(readdirSync(whole).sort());
  expect(keptOf(folder)).toEqual(Array.from({ length: STEPS + 1 }, (_, step) => `model-00000${step}.safetensors`));
  const keptBytes = (of: string) => keptOf(of).map((name) => readFileSync(kept(of, name)).toString("base64"));
  expect(keptBytes(folder)).toEqual(keptBytes(whole));
}

const kept = (folder: string, name: string) => file(folder, join("checkpoints", name));
const keptOf = (folder: string) => {
  const names = existsSync(file(folder, "checkpoints")) ? readdirSync(file(folder, "checkpoints")) : [];
  return names.sort();
};

/**
 * Starts the command and kills it `delay` ms after `folder` holds `rows` rows more than now. True if it was still
 * running.
 */
function killed(args: string[], folder: string, rows: number, delay: number): Promise<boolean> {
  const count = () =>
    existsSync(file(folder, "metrics.jsonl"))
      ? readFileSync(file(folder, "metrics.jsonl"), "utf8").split("\n").length
      : 0;
  const from = count();
  const child = spawn(process.execPath, [command.path, ...args], { stdio: "ignore" });
  const timer = setInterval(() => {
    if (count() < from + rows) return;
    clearInterval(timer);
    setTimeout(() => child.kill("SIGKILL"), delay);
  }, 2);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (_code, signal) => {
      clearInterval(timer);
      resolve(signal === "SIGKILL");
    });
  });
}

/** What a killed run left must be whole: a state and a model of a step each, and the rows that led to the state. */
function checkRemains(folder: string, whole: string): void {
  if (!existsSync(file(folder, "state.safetensors"))) return;
  const state = tensorsOf(file(folder, "state.safetensors"));
  const step = Number(state.metadata.step);
  const config = JSON.parse(readFileSync(file(folder, "config.json"), "utf8")) as object;
  expect(config).toEqual({ ...(JSON.parse(state.metadata.config!) as object), keepCheckpoints: "evaluations" });
  for (const name of keptOf(folder).filter((found) => !found.endsWith(".tmp"))) {
    const { metadata } = tensorsOf(kept(folder, name));
    expect(name).toBe(`model-00000${metadata.step}.safetensors`);
    expect(Number(metadata.step)).toBeLessThanOrEqual(step);
  }
  if (existsSync(file(folder, "model.safetensors"))) {
    expect(Number(tensorsOf(file(folder, "model.safetensors")).metadata.step)).toBeLessThanOrEqual(step);
  }
  // The last line may be cut, the lines up to the state's step may not.
  const lines = readFileSync(file(folder, "metrics.jsonl"), "utf8").split("\n");
  const known = rowsOf(whole).filter((row) => row.step <= step);
  expect(lines.slice(0, known.length).map((line) => ({ ...(JSON.parse(line) as object), seconds: 0 }))).toEqual(known);
}

describe.each([
  ["voxels", SMALL_RUN, KILLS],
  ["forces", SMALL_FORCE_RUN, Math.ceil(KILLS / 4)],
] as const)("kill -9 of a run of %s", (task, size, wanted) => {
  const [folder, whole] = [join(root, `${task} killed`), join(root, `${task} whole`)];
  const begin = fresh(size);
  /** The one command of a job script: begins, begins again or goes on. */
  const job = [...begin, "--resume", folder];

  beforeAll(async () => {
    const result = await command.run([...begin, "--out", whole]);
    expect(result.code, result.stderr).toBe(0);
  });

  it(
    `at ${wanted} random moments loses nothing but the steps since the last checkpoint`,
    { timeout: 60_000 + wanted * 180_000 },
    async () => {
      const random = new Random(20);
      const tally = { kills: 0, withoutState: 0, withTemporary: 0, finished: 0 };
      // Some must have died while they wrote a file, which is a matter of luck: a thorough test goes on until one has.
      const enough = () => wanted < 20 || tally.withTemporary > 0 || tally.kills >= 3 * wanted;
      while (tally.kills < wanted || !enough()) {
        const resumable = existsSync(file(folder, "state.safetensors"));
        const args = resumable || random.int(2) === 0 ? job : [...begin, "--out", folder, "--force"];
        // Some die while they start; the others at any point of the steps, evaluations and checkpoints that follow.
        const rows = random.int(5);
        const delay = rows === 0 ? random.int(4000) : random.int(60);
        if (await killed(args, folder, rows, delay)) {
          tally.kills++;
          if (!existsSync(folder)) continue;
          checkRemains(folder, whole);
          if (readdirSync(folder).some((name) => name.endsWith(".tmp"))) tally.withTemporary++;
          if (!existsSync(file(folder, "state.safetensors"))) tally.withoutState++;
        } else {
          tally.finished++;
          expectSame(folder, whole);
          rmSync(folder, { recursive: true });
        }
      }
      const last = await command.run(job);
      expect(last.code, last.stderr).toBe(0);
      expectSame(folder, whole);
      if (wanted >= 20) expect(tally.withTemporary, JSON.stringify(tally)).toBeGreaterThan(0);
      if (process.env.VOXTWIRL_KILLS) console.log(`${task} killed: ${JSON.stringify(tally)}`);
    },
  );
});
