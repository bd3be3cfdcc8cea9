/** An array of Slurm, and the job that merges what its tasks wrote. */
import { jobWords, shellLine, timeText, type DividedCommand, type Resources } from "./submitJob.ts";

/** What a job of Slurm is made of. */
export interface SlurmJob extends Resources {
  readonly name: string;
  readonly command: DividedCommand;
  /** What calls voxtwirl on the nodes, as a shell takes it: "node /opt/voxtwirl.js", "apptainer exec ...". */
  readonly call: string;
  /** Where it is started. */
  readonly folder: string;
  readonly partition?: string | undefined;
  readonly account?: string | undefined;
  /** Of a task between two starts, in seconds. */
  readonly seconds: number;
  /** Seconds before the limit at which a task is told to save. */
  readonly warning: number;
}

/** How often a task that saved starts again, and one that was killed. */
const MOST_SAVED = 100;
const MOST_KILLED = 3;

/** For the job that merges. */
const MERGE_LIMIT = "00:30:00";

/**
 * A script for bash that submits both, and prints their numbers.
 *
 * Slurm starts tasks again by itself after a node's failure and a preemption, but neither after a limit nor by an exit
 * code, so the task asks for it: once it was told to save and has, or its process was killed. One that Slurm is ending
 * (scancel) it leaves alone.
 */
export function slurmScript(job: SlurmJob): string {
  const { command, call, folder, shards } = job;
  const { shard, merge } = jobWords(command, shards);
  const logs = `${command.out}/shards`;
  return `#!/bin/bash
# Submits an array of ${shards} shards, and a job that merges them once all are done. Made by voxtwirl submit slurm.
set -euo pipefail
cd ${shellLine([folder])}
mkdir -p ${shellLine([logs])}

array=$(sbatch --parsable --output=${shellLine([`${logs}/%x-%A_%a.log`])} <<'END_OF_ARRAY'
${arrayScript(job, `${call} ${shellLine(shard)}`)}END_OF_ARRAY
)
array=\${array%%;*}

merge=$(sbatch --parsable --output=${shellLine([`${logs}/%x-%j.log`])} \\
  --dependency="afterok:$array" --kill-on-invalid-dep=yes <<'END_OF_MERGE'
${mergeScript(job, `${call} ${shellLine(merge)}`)}END_OF_MERGE
)
echo "array job $array, merging job \${merge%%;*}; logs in ${logs.replace(/["$`\\]/g, "\\$&")}"
`;
}

function arrayScript(job: SlurmJob, shard: string): string {
  const { name, shards, cpus, memory, seconds, gpus, warning } = job;
  return `#!/bin/bash
#SBATCH --job-name=${name}
#SBATCH --array=0-${shards - 1}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=${cpus}
#SBATCH --mem=${memory}
${gpus > 0 ? `#SBATCH --gres=gpu:${gpus}\n` : ""}#SBATCH --time=${timeText(seconds)}
${placeLines(job)}#SBATCH --signal=B:USR1@${warning}
#SBATCH --requeue
#SBATCH --open-mode=append

# Slurm tells this shell (B:) ${warning} seconds before the limit. It passes that on: voxtwirl saves, and ends with
# 128 and the signal's number.
trap 'kill -s USR1 "$child" 2>/dev/null' USR1
trap 'kill -s TERM "$child" 2>/dev/null' TERM

${shard} &
child=$!
# A signal ends wait before the child has ended.
while :; do
  wait "$child"
  status=$?
  kill -s 0 "$child" 2>/dev/null || break
done

case $status in
  (138 | 143) most=${MOST_SAVED} ;; # told to save, by SIGUSR1 or SIGTERM, and saved
  (137) most=${MOST_KILLED} ;; # killed: goes on from the last checkpoint
  (*) exit "$status" ;;
esac
# The array's number alone would stand for all of its tasks.
task=\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
# Where Slurm is ending the task itself (scancel), that is meant.
if scontrol show job "$task" | grep -q JobState=RUNNING && [ "\${SLURM_RESTART_COUNT:-0}" -lt "$most" ]; then
  echo "ended with $status: starting again"
  scontrol requeue "$task"
fi
exit "$status"
`;
}

function mergeScript(job: SlurmJob, merge: string): string {
  return `#!/bin/bash
#SBATCH --job-name=${job.name}-merge
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=${job.memory}
#SBATCH --time=${MERGE_LIMIT}
${placeLines(job)}
exec ${merge}
`;
}

function placeLines({ partition, account }: SlurmJob): string {
  return [
    ...(partition === undefined ? [] : [`#SBATCH --partition=${partition}\n`]),
    ...(account === undefined ? [] : [`#SBATCH --account=${account}\n`]),
  ].join("");
}
