import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { IJob } from "kubernetes-models/batch/v1";
import { Job } from "kubernetes-models/batch/v1";
import { parseAllDocuments } from "yaml";
import { describe, expect, it } from "vitest";
import { parseTime, timeText } from "../../src/cli/submitJob.ts";
import { autoShard } from "../../src/shards/autoShard.ts";
import { runProcess } from "../processes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const root = temporaryFolder("submit");
const submit = (...args: string[]) => command.run(["submit", ...args]);
const hasShellcheck = (await runProcess("shellcheck", ["--version"])).code === 0;

/** The scripts that a submitting script hands to sbatch. */
const handedTo = (script: string) => [...script.matchAll(/<<'(\w+)'\n(.*?)\1\n/gs)].map(([, , text]) => text!);

describe("voxtwirl submit slurm", () => {
  const args = ["--shards", "3", "--cpus", "1", "--memory", "500M", "--gpus", "1", "--partition", "day"];
  const divided = ["experiment", "dip", "--steps", "2", "--out", "it's a lab"];

  it("prints an array and the job that merges, as bash takes them", async () => {
    const { code, stdout, stderr } = await submit("slurm", ...args, "--time", "1-00:10:00", "--", ...divided);
    expect([code, stderr]).toEqual([0, ""]);
    const [array = "", merge = ""] = handedTo(stdout);
    for (const line of [
      ...["job-name=voxtwirl-dip", "array=0-2", "cpus-per-task=1", "mem=500M", "gres=gpu:1", "time=1-00:10:00"],
      ...["partition=day", "signal=B:USR1@120", "requeue"],
    ]) {
      expect(array).toContain(`\n#SBATCH --${line}\n`);
    }
    expect(array).toContain(` experiment dip --steps 2 --out 'it'\\''s a lab' --shard auto/3 &\n`);
    expect(merge).toMatch(/\nexec \S+ \S+ merge 'it'\\''s a lab' dip\n$/);
    expect(merge).toContain("#SBATCH --partition=day\n");
    for (const [i, text] of [stdout, array, merge].entries()) {
      const path = join(root, `script-${i}.sh`);
      writeFileSync(path, text);
      expect(await runProcess("bash", ["-n", path])).toEqual({ code: 0, stdout: "", stderr: "" });
      if (hasShellcheck) expect(await runProcess("shellcheck", [path])).toMatchObject({ code: 0, stdout: "" });
    }
  });

  it("submits with --run, the second after the first", async () => {
    const bin = join(root, "bin");
    mkdirSync(bin);
    writeFileSync(
      join(bin, "sbatch"),
      `#!/bin/bash\necho "$@" >>${root}/calls\ncat >>${root}/scripts\necho "41;there"\n`,
    );
    chmodSync(join(bin, "sbatch"), 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const words = ["submit", "slurm", "--run", "--", "experiment", "dip", "--out", join(root, "run")];
    const { code, stdout } = await command.run(words, env);
    expect({ code, stdout }).toEqual({
      ...{ code: 0, stdout: `array job 41, merging job 41; logs in ${join(root, "run", "shards")}\n` },
    });
    const calls = readFileSync(join(root, "calls"), "utf8").trim().split("\n");
    expect(calls[0]).toMatch(/^--parsable --output=\S+\/shards\/%x-%A_%a.log$/);
    expect(calls[1]).toMatch(/--dependency=afterok:41 --kill-on-invalid-dep=yes$/);
    expect(readFileSync(join(root, "scripts"), "utf8")).toContain("--shard auto/6 &\n");
    writeFileSync(join(bin, "sbatch"), "#!/bin/bash\nexit 3\n");
    expect((await command.run(words, env)).code).toBe(3);
  });

  it("refuses what cannot be", async () => {
    const wrong: [string[], string][] = [
      [["--", "train"], '"train" cannot be divided'],
      [["--", "experiment"], "which experiment is not said"],
      [["--", "experiment", "dip", "--shard", "0/2"], "the command has --shard"],
      [["--", "measure", "--model", "run", "--out", "a"], "measure is divided with --frames alone"],
      [["--", "measure", "--frames", "a", "--data", "b"], "the command has no --out"],
      [["--", "experiment", "dip", "--out", "a\nb"], "control characters"],
      [["--time", "90", "--", "experiment", "dip"], "--time 90 is no time"],
      [["--time", "00:02:00", "--", "experiment", "dip"], "--warn 120 is not below the 120 seconds"],
      [["--memory", "4", "--", "experiment", "dip"], "--memory 4 is no size"],
      [["--name", "A b", "--", "experiment", "dip"], "--name A b is no name"],
      [["--partition", "a b", "--", "experiment", "dip"], "--partition a b is no such name"],
    ];
    for (const [words, message] of wrong) {
      const { code, stderr } = await submit("slurm", ...words);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
    expect((await submit()).stderr).toContain("voxtwirl submit slurm, voxtwirl submit kubernetes");
  });
});

/** What stands for voxtwirl: ends as it does when it is told to, or after a while with a code. */
const PROGRAM = `const [, , seconds, code] = process.argv;
const { SIGUSR1, SIGTERM } = require("os").constants.signals;
for (const [name, number] of Object.entries({ SIGUSR1, SIGTERM })) process.on(name, () => process.exit(128 + number));
setTimeout(() => (code === "kill" ? process.kill(process.pid, "SIGKILL") : process.exit(Number(code))), 1000 * seconds);
console.log("ready");
`;

describe("a task of the array", () => {
  const program = join(root, "program.cjs");
  const bin = join(root, "scontrol");
  const states: Record<string, string> = { running: "JobState=RUNNING", ending: "JobState=COMPLETING" };
  mkdirSync(bin);
  writeFileSync(program, PROGRAM);
  writeFileSync(join(bin, "scontrol"), `#!/bin/bash\nif [ "$1" = show ]; then echo "$STATE"; else echo "$@"; fi\n`);
  chmodSync(join(bin, "scontrol"), 0o755);

  /** Runs it, and sends its shell a signal once the program is ready. */
  async function task(program: string, signal: NodeJS.Signals | undefined, { state = "running", restarts = "0" } = {}) {
    const { stdout } = await submit("slurm", "--voxtwirl", program, "--", "experiment", "dip");
    // The program takes its own words alone.
    const script = handedTo(stdout)[0]!.replace(/ experiment dip .* &\n/, " &\n");
    const env = {
      ...{ ...process.env, PATH: `${bin}:${process.env.PATH}`, STATE: states[state], SLURM_RESTART_COUNT: restarts },
      ...{ SLURM_ARRAY_JOB_ID: "7", SLURM_ARRAY_TASK_ID: "2", SLURM_JOB_ID: "9" },
    };
    const path = join(root, "task.sh");
    writeFileSync(path, script);
    const child = spawn("bash", [path], { env });
    let output = "";
    child.stdout.on("data", (text) => {
      output += String(text);
      if (signal !== undefined && output === "ready\n") child.kill(signal);
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    return { code, output };
  }
  const node = (seconds: number, code: number | string) => `node ${program} ${seconds} ${code}`;
  const again = (code: number) => `ready\nended with ${code}: starting again\nrequeue 7_2\n`;

  it("that was told to save starts again, and passes other ends on", async () => {
    expect(await task(node(60, 0), "SIGUSR1")).toEqual({ code: 138, output: again(138) });
    expect(await task(node(60, 0), "SIGTERM")).toEqual({ code: 143, output: again(143) });
    expect(await task(node(0, 0), undefined)).toEqual({ code: 0, output: "ready\n" });
    expect(await task(node(0, 2), undefined)).toEqual({ code: 2, output: "ready\n" });
  });

  it("that Slurm is ending does not start again, nor one that has too often", async () => {
    expect(await task(node(60, 0), "SIGTERM", { state: "ending" })).toEqual({ code: 143, output: "ready\n" });
    expect(await task(node(60, 0), "SIGUSR1", { restarts: "100" })).toEqual({ code: 138, output: "ready\n" });
  });

  it("whose process was killed starts again a few times", async () => {
    expect(await task(node(0, "kill"), undefined)).toMatchObject({ code: 137, output: again(137) });
    expect(await task(node(0, "kill"), undefined, { restarts: "3" })).toMatchObject({ code: 137, output: "ready\n" });
  });
});

describe("voxtwirl submit kubernetes", () => {
  const args = ["--shards", "3", "--image", "registry.io/voxtwirl:1", "--claim", "shared", "--memory", "2G"];
  const divided = ["experiment", "dip", "--task", "forces", "--out", "$(lab)"];
  const jobsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as IJob);

  /** As the types of the API have it: what they do not know does not compile. */
  const pod = (words: string[]) =>
    ({
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 120,
      containers: [
        {
          ...{
            name: "voxtwirl",
            image: "registry.io/voxtwirl:1",
            command: ["voxtwirl"],
            args: words,
            workingDir: "/data",
          },
          resources: { requests: { cpu: 2, memory: "2Gi" }, limits: { memory: "2Gi" } },
          volumeMounts: [{ name: "shared", mountPath: "/data" }],
        },
      ],
      volumes: [{ name: "shared", persistentVolumeClaim: { claimName: "shared" } }],
    }) satisfies NonNullable<NonNullable<IJob["spec"]>["template"]["spec"]>;
  const shards = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "voxtwirl-dip-forces" },
    spec: {
      completionMode: "Indexed",
      completions: 3,
      parallelism: 3,
      backoffLimitPerIndex: 10,
      ttlSecondsAfterFinished: 604_800,
      podFailurePolicy: {
        rules: [
          { action: "FailIndex", onExitCodes: { operator: "In", values: [2] } },
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
        ],
      },
      template: { spec: pod(["experiment", "dip", "--task", "forces", "--out", "$$(lab)", "--shard", "auto/3"]) },
    },
  } satisfies IJob;
  const merge = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "voxtwirl-dip-forces-merge" },
    spec: {
      backoffLimit: 3,
      ttlSecondsAfterFinished: 604_800,
      template: { spec: pod(["merge", "$$(lab)", "dip-forces", "--wait", "604800"]) },
    },
  } satisfies IJob;

  it("prints an Indexed Job and one that merges, which the schema of the API takes", async () => {
    const { code, stdout, stderr } = await submit("kubernetes", ...args, "--", ...divided);
    expect([code, stderr]).toEqual([0, ""]);
    const jobs = jobsOf(stdout);
    expect(jobs).toEqual([shards, merge]);
    for (const job of jobs) new Job(job).validate();
    // The schema does say no.
    const wrong = { ...shards, spec: { ...shards.spec, completions: "3" } } as unknown as IJob;
    expect(() => {
      new Job(wrong).validate();
    }).toThrow("completions must be integer");
  });

  it("asks for a GPU, a time and a namespace where they are given", async () => {
    const more = [
      "--gpus",
      "1",
      "--time",
      "00:10:00",
      "--namespace",
      "chem",
      "--mount",
      "/work",
      "--voxtwirl",
      "node v.js",
    ];
    const { stdout } = await submit("kubernetes", ...args, ...more, "--", ...divided);
    const jobs = jobsOf(stdout);
    for (const job of jobs) {
      new Job(job).validate();
      expect(job.metadata?.namespace).toBe("chem");
      expect(job.spec?.template.spec?.containers[0]).toMatchObject({ command: ["node", "v.js"], workingDir: "/work" });
    }
    const [one, other] = jobs.map((job) => job.spec!.template.spec!);
    expect(one).toMatchObject({ activeDeadlineSeconds: 600 });
    expect(one!.containers[0]).toMatchObject({
      resources: { limits: { memory: "2Gi", "nvidia.com/gpu": 1 } },
      env: [{ name: "NVIDIA_DRIVER_CAPABILITIES", value: "all" }],
    });
    expect(other!.containers[0]!.resources).toEqual({ requests: { cpu: 2, memory: "2Gi" }, limits: { memory: "2Gi" } });
  });

  it("has pods whose indices are all shards, once each", () => {
    const completions = shards.spec.completions;
    const found = Array.from(
      { length: completions },
      (_, i) => autoShard({ JOB_COMPLETION_INDEX: String(i) }, 3).index,
    );
    expect(found).toEqual([0, 1, 2]);
  });

  it("needs an image and a claim, and says where kubectl is not to be had", async () => {
    expect((await submit("kubernetes", "--", ...divided)).stderr).toContain("--image");
    const none = await command.run(["submit", "kubernetes", ...args, "--run", "--", ...divided], { PATH: root });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot run kubectl") as string });
  });
});

describe("times", () => {
  it("are Slurm's", () => {
    for (const text of ["00:00:01", "01:30:00", "2-03:04:05"]) expect(timeText(parseTime(text)!)).toBe(text);
    expect(parseTime("48:00:00")).toBe(172_800);
    for (const text of ["90", "00:00:00", "1:2:3", "00:60:00", ""]) expect(parseTime(text)).toBe(undefined);
  });
});

describe("voxtwirl merge --wait", () => {
  it("looks until all shards are there", async () => {
    const [data, out] = [join(root, "in.xyz"), join(root, "waited")];
    const frame = (i: number) =>
      `1\nenergy=${i} twirl_frame=1 twirl_copy=${i} twirl_copies=2 twirl_rotation="1 0 0 0 1 0 0 0 1"\nH 0 0 0\n`;
    writeFileSync(data, frame(1) + frame(2));
    const waiting = command.run(["merge", out, "measure", "--wait", "60"]);
    await sleep(500);
    expect(
      (await command.run(["measure", "--frames", data, "--data", data, "--shard", "0/1", "--out", out])).code,
    ).toBe(0);
    expect(await waiting).toMatchObject({ code: 0, stdout: expect.stringContaining("energy") as string });
    const never = await command.run(["merge", join(root, "never"), "--wait", "1"]);
    expect(never).toMatchObject({ code: 1, stderr: expect.stringContaining("holds no shards") as string });
  });
});
