/** An Indexed Job of Kubernetes, and the job that merges what its pods wrote, as one manifest. */
import { jobWords, type DividedCommand, type Resources } from "./submitJob.ts";

/** What jobs of Kubernetes are made of. */
export interface KubernetesJob extends Resources {
  readonly name: string;
  readonly command: DividedCommand;
  readonly image: string;
  /** The words that call voxtwirl in the image. */
  readonly call: readonly string[];
  /** A PersistentVolumeClaim that many pods may write (ReadWriteMany), and where it is mounted. */
  readonly claim: string;
  readonly mount: string;
  readonly namespace?: string | undefined;
  /** Of a pod; without a limit by default. */
  readonly seconds?: number | undefined;
}

/** How often a shard's pod may fail; disruptions do not count. */
const MOST_FAILURES = 10;
/** For saving after SIGTERM. */
const GRACE_SECONDS = 120;
/** Jobs and their logs are kept for a week. */
const KEPT_SECONDS = 604_800;

/**
 * A manifest in YAML for kubectl apply or create.
 *
 * A pod that is told to end saves, and the next one of its index goes on from there. One that fails by a wrong option
 * (exit code 2) is not tried again. Kubernetes has no order of jobs: the one that merges looks until all shards are
 * there.
 */
export function kubernetesManifest(job: KubernetesJob): string {
  const { name, command, shards, seconds } = job;
  const { shard, merge } = jobWords(command, shards);
  return `# ${shards} shards, and a job that merges them once all are there. Made by voxtwirl submit kubernetes.
apiVersion: batch/v1
kind: Job
${metadata(job, name)}spec:
  completionMode: Indexed
  completions: ${shards}
  parallelism: ${shards}
  backoffLimitPerIndex: ${MOST_FAILURES}
  ttlSecondsAfterFinished: ${KEPT_SECONDS}
  podFailurePolicy:
    rules:
      # Called wrongly: no use to try again.
      - action: FailIndex
        onExitCodes:
          operator: In
          values: [2]
      # Preempted, evicted, or its node is gone: no failure of its own.
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
            status: "True"
  template:
    spec:
${deadline(seconds)}${podOf(job, shard, job.gpus)}---
apiVersion: batch/v1
kind: Job
${metadata(job, `${name}-merge`)}spec:
  backoffLimit: 3
  ttlSecondsAfterFinished: ${KEPT_SECONDS}
  template:
    spec:
${podOf(job, [...merge, "--wait", String(KEPT_SECONDS)], 0)}`;
}

function deadline(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  return `      # A pod that has run for so long is ended and counts as failed: the next one goes on from what it saved.
      activeDeadlineSeconds: ${seconds}
`;
}

function metadata({ namespace }: KubernetesJob, name: string): string {
  return `metadata:\n  name: ${text(name)}\n${namespace === undefined ? "" : `  namespace: ${text(namespace)}\n`}`;
}

function podOf(job: KubernetesJob, words: readonly string[], gpus: number): string {
  const { image, call, claim, mount, cpus, memory } = job;
  const [limits, environment] =
    gpus === 0
      ? ["", ""]
      : [
          `              nvidia.com/gpu: ${gpus}\n`,
          // Without it a container sees no Vulkan driver.
          `          env:\n            - name: NVIDIA_DRIVER_CAPABILITIES\n              value: all\n`,
        ];
  return `      restartPolicy: Never
      terminationGracePeriodSeconds: ${GRACE_SECONDS}
      containers:
        - name: voxtwirl
          image: ${text(image)}
          command: ${list(call)}
          args: ${list(words.map(unexpanded))}
          workingDir: ${text(mount)}
${environment}          resources:
            requests:
              cpu: ${cpus}
              memory: ${memory}i
            limits:
              memory: ${memory}i
${limits}          volumeMounts:
            - name: shared
              mountPath: ${text(mount)}
      volumes:
        - name: shared
          persistentVolumeClaim:
            claimName: ${text(claim)}
`;
}

/** Kubernetes puts the values of variables in place of $(NAME). */
const unexpanded = (word: string) => word.replaceAll("$(", () => "$$(");

/** A text of JSON is one of YAML. */
const text = (value: string) => JSON.stringify(value);
const list = (values: readonly string[]) => `[${values.map(text).join(", ")}]`;
