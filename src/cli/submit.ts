import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { basename } from "node:path";
import { type Command, Option } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import { badOption, command, exits, integer, text } from "./args.ts";
import { dividedCommand, parseTime, shellLine } from "./submitJob.ts";
import { kubernetesManifest } from "./submitKubernetes.ts";
import { slurmScript } from "./submitSlurm.ts";

const COMMAND = "after --, what is divided: experiment NAME --out DIR ..., or measure --frames FILE ... --out DIR";

/** Options of both. */
const withResources = (one: Command) =>
  one
    .argument("<COMMAND...>", COMMAND)
    .addOption(integer("--shards <N>", "how many parts (default 6)"))
    .addOption(integer("--cpus <N>", "processor cores of each (default 2)"))
    .addOption(memoryOption())
    .addOption(timeOption())
    .addOption(integer("--gpus <N>", "GPUs of each (default 0)", { min: 0, max: 1 }))
    .addOption(nameOption("--name <NAME>", "of the jobs (default voxtwirl-WHAT)"))
    .option("--run", "submit it, in place of printing it");

const memoryOption = () =>
  new Option("--memory <SIZE>", "of each (default 4G)").argParser((value: string): string => {
    if (/^[1-9]\d*[MG]$/.test(value)) return value;
    throw badOption(`--memory ${value} is no size`, "Give it as 4G or 500M.");
  });

const timeOption = () =>
  new Option(
    "--time <TIME>",
    "of each, HH:MM:SS or D-HH:MM:SS (default of Slurm 01:00:00): then it saves, starts again and goes on",
  ).argParser((value: string): number => {
    const seconds = parseTime(value);
    if (seconds !== undefined) return seconds;
    throw badOption(`--time ${value} is no time`, "Give it as 01:30:00 or 1-12:00:00.");
  });

/** A name as Kubernetes takes it. */
function nameOption<const Flags extends string>(flags: Flags, help: string) {
  return new Option(flags, help).argParser((value: string): string => {
    if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value) && value.length <= 50) return value;
    throw badOption(`${flags.split(" ")[0]} ${value} is no name`, "Use small letters, digits and -, at most 50.");
  });
}

/** A word without anything that Slurm or YAML would take apart. */
function wordOption<const Flags extends string>(flags: Flags, help: string) {
  return new Option(flags, help).argParser((value: string): string => {
    if (/^[\w.:@,/+-]+$/.test(value) && !value.startsWith("-")) return value;
    throw badOption(`${flags.split(" ")[0]} ${value} is no such name`, "Give one word.");
  });
}

const slurmOptions = () =>
  withResources(command("submit", "slurm"))
    .addOption(wordOption("--partition <NAME>", "of Slurm's (default: its own)"))
    .addOption(wordOption("--account <NAME>", "whom it is charged to (default: Slurm's own)"))
    .addOption(integer("--warn <SECONDS>", "before the limit at which a task saves (default 120)", { max: 65_535 }))
    .addOption(text("--voxtwirl <COMMAND>", "what calls voxtwirl on the nodes (default: this Node and this file)"));

const kubernetesOptions = () =>
  withResources(command("submit", "kubernetes"))
    .addOption(wordOption("--image <IMAGE>", "the container image that has voxtwirl").makeOptionMandatory())
    .addOption(nameOption("--claim <NAME>", "a PersistentVolumeClaim that many pods write").makeOptionMandatory())
    .addOption(wordOption("--mount <DIR>", "where it is mounted, and voxtwirl works (default /data)"))
    .addOption(nameOption("--namespace <NAME>", "of the jobs (default: kubectl's own)"))
    .addOption(text("--voxtwirl <COMMAND>", "what calls voxtwirl in the image (default voxtwirl)"));

export const define = (submit: Command) => {
  submit
    .addCommand(slurmOptions().description("a job array of Slurm").action(exits(slurm)))
    .addCommand(kubernetesOptions().description("an Indexed Job of Kubernetes").action(exits(kubernetes)))
    .action(() => {
      throw badOption("to what is not said", "Use one of: voxtwirl submit slurm, voxtwirl submit kubernetes.");
    });
};

type SlurmOptions = ReturnType<ReturnType<typeof slurmOptions>["opts"]>;
type KubernetesOptions = ReturnType<ReturnType<typeof kubernetesOptions>["opts"]>;

function slurm(words: string[], options: SlurmOptions): number | Promise<number> {
  const { partition, account, time: seconds = 3600, warn: warning = 120 } = options;
  if (warning >= seconds) {
    throw badOption(`--warn ${warning} is not below the ${seconds} seconds of --time`, "Give fewer.");
  }
  const own = () => shellLine([process.execPath, realpathSync(process.argv[1]!)]);
  const { voxtwirl: call = own() } = options;
  const script = slurmScript({
    ...jobOf(words, options),
    call,
    seconds,
    partition,
    account,
    warning,
    folder: process.cwd(),
  });
  return options.run ? handTo("bash", [], script) : show(script);
}

function kubernetes(words: string[], options: KubernetesOptions): number | Promise<number> {
  const { image, claim, mount = "/data", namespace, time: seconds, voxtwirl = "voxtwirl" } = options;
  const call = voxtwirl.split(" ").filter((word) => word !== "");
  const manifest = kubernetesManifest({ ...jobOf(words, options), image, claim, mount, namespace, seconds, call });
  return options.run ? handTo("kubectl", ["apply", "-f", "-"], manifest) : show(manifest);
}

function jobOf(words: string[], options: Pick<SlurmOptions, "shards" | "cpus" | "memory" | "gpus" | "name">) {
  const divided = dividedCommand(words);
  const { shards = 6, cpus = 2, memory = "4G", gpus = 0 } = options;
  return { command: divided, shards, cpus, memory, gpus, name: options.name ?? `voxtwirl-${divided.work}` };
}

function show(script: string): number {
  process.stdout.write(script);
  return 0;
}

/** @returns the program's exit code */
function handTo(program: string, args: readonly string[], input: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"] });
    child.once("error", (cause) => {
      const fix = `Install ${basename(program)}, or leave --run out and submit what is printed where it is.`;
      reject(new VoxtwirlError("unsupported", `cannot run ${program}: ${cause.message}`, fix, { cause }));
    });
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
    // It may end before it has read all.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
