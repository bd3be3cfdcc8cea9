// `npm run test:cluster`: a real Slurm on this machine, whose nodes are processes.
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useBuiltCommand } from "../cli/built.ts";
import { temporaryFolder } from "../temporary.ts";
import { isPending, missingPrograms, processOf, startCluster, until, type SlurmCluster } from "./slurmCluster.ts";

const missing = missingPrograms();
if (missing.length > 0) {
  process.stderr.write(`Slurm is not installed (no ${missing.join(", ")}): its test is SKIPPED.\n`);
  process.stderr.write("On Debian: apt-get install slurm-wlm munge\n");
}

describe.skipIf(missing.length > 0)("a real Slurm", () => {
  const command = useBuiltCommand();
  const root = temporaryFolder("slurm");
  const lab = join(root, "lab");
  const divided = ["experiment", "dip", "--steps", "2", "--seeds", "2"];
  let cluster: SlurmCluster;
  beforeAll(async () => {
    cluster = await startCluster(join(root, "cluster"), 3);
  });
  afterAll(async () => cluster.stop());

  it("gives the same bytes through kills, a drained node and a time limit", async () => {
    const resources = ["--shards", "6", "--cpus", "1", "--memory", "500M", "--time", "00:01:00", "--warn", "25"];
    const words = ["submit", "slurm", ...resources, "--run", "--", ...divided, "--out", lab];
    const { code, stdout, stderr } = await command.run(words, cluster.env as Record<string, string>);
    expect([code, stderr]).toEqual([0, ""]);
    const [, array = "", merge = ""] = /^array job (\d+), merging job (\d+);/.exec(stdout)!;
    const logOf = (task: number) => {
      const path = join(lab, "shards", `voxtwirl-dip-${array}_${task}.log`);
      return existsSync(path) ? readFileSync(path, "utf8") : "";
    };
    /** A task's process once there is something to save. */
    const began = (task: number) =>
      until(`task ${task} has begun`, () => (logOf(task).includes("1 run (") ? processOf(task, "--shard auto/6") : 0));

    // The first is stopped, so that its time runs out; the second is killed; the third's node takes no more tasks.
    const stopped = await began(0);
    process.kill(stopped, "SIGSTOP");
    process.kill(await began(1), "SIGKILL");
    const node = (await cluster.run("squeue", "-h", "-j", `${array}_2`, "-o", "%N")).trim();
    if (node !== "") await cluster.run("scontrol", "update", `NodeName=${node}`, "State=DRAIN", "Reason=test");
    const reference = command.run([...divided, "--out", join(root, "whole"), "--json"]);
    await until("Slurm warns of the limit", () => isPending(stopped, constants.signals.SIGUSR1));
    process.kill(stopped, "SIGCONT");

    await until("all is done", async () => (await cluster.run("squeue", "-h", "-o", "%i")).trim() === "");
    const log = readFileSync(join(lab, "shards", `voxtwirl-dip-merge-${merge}.log`), "utf8");
    const logs = [0, 1, 2, 3, 4, 5].map(logOf);
    expect(logs[0]).toContain("stopping after the step in hand (SIGUSR1)");
    expect(logs[0]).toContain("ended with 138: starting again");
    expect(logs[1]).toContain("ended with 137: starting again");
    for (const text of logs) expect(text).toMatch(/written: .*-of-6\.jsonl\n/);
    expect(log).toContain("verdict: not decided");
    const whole = await reference;
    expect(whole.code, whole.stderr).toBe(0);
    const results = readFileSync(join(lab, "dip", "results.json"), "utf8");
    expect(results).toBe(readFileSync(join(root, "whole", "dip", "results.json"), "utf8"));
    expect(node).toMatch(/^n[123]$/);
    expect(await cluster.run("sinfo", "-h", "-N", "-n", node, "-o", "%T")).toBe("drained\n");
  });

  it("does not bring back what somebody cancels", async () => {
    const resources = ["--shards", "1", "--cpus", "1", "--memory", "500M", "--time", "00:05:00"];
    const out = join(root, "cancelled");
    const words = ["submit", "slurm", ...resources, "--run", "--", ...divided, "--out", out];
    const { stdout } = await command.run(words, cluster.env as Record<string, string>);
    const [, array = ""] = /^array job (\d+),/.exec(stdout)!;
    const log = join(out, "shards", `voxtwirl-dip-${array}_0.log`);
    await until("it has begun", () => existsSync(log) && readFileSync(log, "utf8").includes("4 runs ("));
    await cluster.run("scancel", array);
    await until("it has gone, and the job that merges with it", async () => {
      return (await cluster.run("squeue", "-h", "-o", "%i %T")).trim() === "";
    });
    const text = readFileSync(log, "utf8");
    expect(text).toContain("(SIGTERM)");
    expect(text).not.toContain("starting again");
  });
});
