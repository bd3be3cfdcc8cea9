import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runProcess, type Result } from "../processes.ts";

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "scontrol"];
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** Which of Slurm's programs are not installed. */
export function missingPrograms(): string[] {
  return PROGRAMS.filter((name) => !PATH.split(":").some((folder) => existsSync(join(folder, name))));
}

export interface SlurmCluster {
  /** For what talks to it. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs one of Slurm's commands; fails where that fails. */
  run(program: string, ...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** A controller and nodes of one core each on this machine, with a munge of their own; nothing of the system's. */
export async function startCluster(folder: string, nodes: number): Promise<SlurmCluster> {
  for (const name of ["state", "spool", "munge"]) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  const key = join(folder, "munge/key");
  writeFileSync(key, randomBytes(1024), { mode: 0o400 });
  const socket = join(folder, "munge/socket");
  const ports = await freePorts(nodes + 1);
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
  const conf = join(folder, "slurm.conf");
  writeFileSync(conf, configuration(folder, socket, names, ports));
  const env = { ...process.env, PATH, SLURM_CONF: conf };
  const daemons: ChildProcess[] = [];
  const begin = (program: string, ...args: string[]) => {
    daemons.push(spawn(program, args, { env, stdio: "ignore" }));
  };
  const run = async (program: string, ...args: string[]) => okay(await runProcess(program, args, { env }));
  const files = ["pid", "seed", "log"].map((name) => `--${name}-file=${join(folder, "munge", name)}`);
  begin("munged", "--force", "--foreground", `--socket=${socket}`, `--key-file=${key}`, ...files);
  await until("munged", () => existsSync(socket));
  begin("slurmctld", "-D");
  for (const name of names) begin("slurmd", "-D", "-N", name);
  await until("all nodes are idle", async () => {
    const { stdout } = await runProcess("sinfo", ["-h", "-N", "-o", "%N %T"], { env });
    return stdout.split("\n").filter((line) => line.endsWith(" idle")).length === nodes;
  });
  const stop = async () => {
    await runProcess("scancel", ["--user", userInfo().username], { env });
    for (const daemon of daemons.reverse()) {
      if (daemon.exitCode !== null) continue;
      const ended = new Promise((resolve) => daemon.once("close", resolve));
      daemon.kill("SIGTERM");
      await Promise.race([ended, sleep(5000).then(() => daemon.kill("SIGKILL"))]);
    }
  };
  return { env, run, stop };
}

/** The shortest waits that Slurm can be told. */
function configuration(folder: string, socket: string, names: readonly string[], ports: readonly number[]): string {
  const [host, user] = [hostname().split(".")[0], userInfo().username];
  const nodes = names.map((name, i) => {
    return `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[i + 1]} CPUs=1 RealMemory=1000`;
  });
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=${user}
SlurmdUser=${user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=${socket},cred_expire=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=5
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool/%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd-%n.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd-%n.log
${nodes.join("\n")}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}

function okay({ code, stdout, stderr }: Result): string {
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return stdout;
}

/** Looks until something is so. */
export async function until<T>(what: string, look: () => T | Promise<T>, seconds = 150): Promise<NonNullable<T>> {
  for (let i = 0; i < seconds * 10; i++) {
    const found = await look();
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`waited for: ${what}`);
}

/** The process of an array's task that has these words in its command line. */
export function processOf(task: number, words: string): number | undefined {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      if (!command.includes(words) || command.startsWith("/bin/bash")) continue;
      if (readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(`SLURM_ARRAY_TASK_ID=${task}`)) {
        return Number(name);
      }
    } catch {
      // It has ended, or is another user's.
    }
  }
  return undefined;
}

/** Whether a signal waits for a process that was stopped. */
export function isPending(pid: number, signal: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return [...status.matchAll(/^(?:SigPnd|ShdPnd):\s+([0-9a-f]+)$/gm)].some(([, mask]) => {
    return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
  });
}
