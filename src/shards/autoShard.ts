/** Which part of a job this process is, as batch systems and MPI tell it in the environment. */
import { VoxtwirlError } from "../errors.ts";
import { checkedShard, type Shard } from "./shard.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** One way to tell a process which part it is. */
interface Source {
  /** The variable that says that it is there. */
  readonly variable: string;
  /** @param count where the caller says how many parts there are; then parts are numbered from 0 */
  read(env: Environment, count: number | undefined): Shard;
}

/** How many completions an Indexed Job has: Kubernetes itself does not tell its pods. */
export const COUNT_VARIABLE = "VOXTWIRL_SHARD_COUNT";

const slurm: Source = {
  variable: "SLURM_ARRAY_TASK_ID",
  read: (env, count) => {
    const id = whole(env, "SLURM_ARRAY_TASK_ID");
    if (count !== undefined) return checkedShard(id, count, `SLURM_ARRAY_TASK_ID=${id} of ${count}`);
    const [min, max, tasks] = ["MIN", "MAX", "COUNT"].map((name) => whole(env, `SLURM_ARRAY_TASK_${name}`));
    const step = env.SLURM_ARRAY_TASK_STEP === undefined ? 1 : whole(env, "SLURM_ARRAY_TASK_STEP");
    // Of --array=1,3,7 and of the part of an array that is done again, the numbers say nothing of the whole.
    if (step < 1 || min! + step * (tasks! - 1) !== max || (id - min!) % step !== 0) {
      throw new VoxtwirlError(
        "bad-option",
        `the array's ${tasks} tasks from ${min} to ${max} are no range, so that --shard auto cannot count them`,
        "Use --array=0-N, or give --shard auto/N, of which the task's number is the shard.",
      );
    }
    return checkedShard((id - min!) / step, tasks!, `SLURM_ARRAY_TASK_ID=${id} of ${tasks} from ${min}`);
  },
};

const kubernetes: Source = {
  variable: "JOB_COMPLETION_INDEX",
  read: (env, count) => {
    const index = whole(env, "JOB_COMPLETION_INDEX");
    if (count === undefined && env[COUNT_VARIABLE] === undefined) {
      throw new VoxtwirlError(
        "bad-option",
        "JOB_COMPLETION_INDEX says which completion this is, and nothing says of how many",
        `Give --shard auto/N with the job's completions, or set ${COUNT_VARIABLE}.`,
      );
    }
    const completions = count ?? whole(env, COUNT_VARIABLE);
    return checkedShard(index, completions, `JOB_COMPLETION_INDEX=${index} of ${completions}`);
  },
};

const mpi = (name: string): Source => ({
  variable: `${name}_RANK`,
  read: (env, count) => {
    const [rank, size] = [whole(env, `${name}_RANK`), whole(env, `${name}_SIZE`)];
    if (count === undefined || count === size) return checkedShard(rank, size, `${name}_RANK=${rank} of ${size}`);
    const fix = "Give --shard auto, or start as many processes.";
    throw new VoxtwirlError("bad-option", `${name}_SIZE is ${size}, and --shard says ${count}`, fix);
  },
});

const SOURCES: readonly Source[] = [slurm, kubernetes, mpi("OMPI_COMM_WORLD"), mpi("PMI")];

/**
 * Which shard this process is: the task of a Slurm array, the completion of a Kubernetes Indexed Job, or the rank of an
 * MPI process, whichever is there first. A single MPI process is no part of anything.
 *
 * @param count how many shards there are, where that is said: "auto/6". A Slurm task's number is then its shard, so
 *   that some tasks of an array can be done again alone.
 * @throws VoxtwirlError "bad-option" where none is there, or numbers do not fit; also for MPI processes within an array
 */
export function autoShard(env: Environment, count?: number): Shard {
  const found = SOURCES.filter(({ variable }) => env[variable] !== undefined);
  const [first, ...others] = found.filter((source, i) => i === 0 || source.read(env, undefined).count > 1);
  if (first === undefined) {
    throw new VoxtwirlError(
      "bad-option",
      `--shard auto finds none of ${SOURCES.map(({ variable }) => variable).join(", ")} in the environment`,
      "Start it as a task of a Slurm array, an Indexed Job of Kubernetes or an MPI process, or give --shard I/N.",
    );
  }
  if (others.length === 0) return first.read(env, count);
  throw new VoxtwirlError(
    "bad-option",
    `both ${first.variable} and ${others[0]!.variable} say which part this is`,
    "Start one process for each task, or give --shard I/N.",
  );
}

function whole(env: Environment, name: string): number {
  const text = env[name];
  if (text !== undefined && /^\d+$/.test(text)) return Number(text);
  const message = text === undefined ? `${name} is not set` : `${name} is ${JSON.stringify(text)}, no whole number`;
  throw new VoxtwirlError("bad-option", message, "Give --shard I/N in place of auto.");
}
