/** What config.json of a run folder holds: everything that was decided when the run began. */
import { VoxtwirlError } from "../errors.ts";
import type { LabelUnits } from "../formats/labels.ts";
import { checkKeptSteps, type KeptSteps } from "./keptSteps.ts";
import type { TrainConfig } from "./trainConfig.ts";

/** Version of the layout of config.json; raised when older files can no longer be read. */
export const RUN_CONFIG_FORMAT = 1;

/** What was trained in runs and models that name no task: those of before there were several. */
export const FIRST_TASK = "voxels";

/** The molecules of a run and their division. */
export interface RunData {
  /** Path of the file, or "builtin". */
  source: string;
  /** SHA-256 of the file, 64 hexadecimal digits. */
  sha256: string;
  /** Seed of the division into training and held-out molecules. */
  splitSeed: number;
  /** Numbers of molecules. */
  training: number;
  heldout: number;
  /** Left out because they do not fit the grid, hold other elements, or lack labels. */
  skipped: number;
  /** Unit of the file's energies, where somebody said it. */
  labelUnits?: LabelUnits;
}

/** A run: its configuration, data and adapter. */
export interface RunConfig<C extends TrainConfig = TrainConfig> {
  format: typeof RUN_CONFIG_FORMAT;
  /** Version of voxtwirl that began the run. */
  version: string;
  /** What is trained: the name of a `Task`. */
  task: string;
  training: C;
  data: RunData;
  /** What was found of the training part, as `TaskData.fitted` has it; the data say it anew where a run goes on. */
  fitted?: Readonly<Record<string, unknown>>;
  adapter: string;
  /**
   * `tuningHash` of the step's and the evaluation's kernels, "none" where all are the table's; runs from before have
   * none.
   */
  tuning?: string;
  /** Which models the run's folder keeps beside the last one; it decides nothing that is computed. */
  keepCheckpoints?: KeptSteps;
}

/**
 * The `__metadata__` of model.safetensors and state.safetensors, which has room for strings only. What else a folder
 * keeps is left out: a model is the same with it and without.
 */
export function runMetadata({ keepCheckpoints: _, ...config }: RunConfig): Record<string, string> {
  return {
    format: "pt",
    config: JSON.stringify(config),
    splitSeed: String(config.data.splitSeed),
    dataSha256: config.data.sha256,
  };
}

/** Has every field of a configuration, each of its type. */
const exampleOf = (training: TrainConfig): RunConfig => ({
  format: RUN_CONFIG_FORMAT,
  version: "",
  task: "",
  training,
  data: { source: "", sha256: "", splitSeed: 0, training: 0, heldout: 0, skipped: 0 },
  adapter: "",
});

const BEGUN_BY_ANOTHER = "Resume the run with the version of voxtwirl that began it, or start a new one.";

/** The part of a `Task` that checks its configurations. */
export interface ConfigChecker {
  readonly name: string;
  readonly presets: Readonly<Record<string, TrainConfig>>;
  check(this: void, config: TrainConfig): TrainConfig;
}

/**
 * Checks a run's configuration as read from `fileName`: all fields there, of the right type, and able to work together.
 * Unknown fields are let through.
 *
 * @param taskNamed finds the task by its name, undefined in runs from before there were tasks; throws where there is
 *   none
 * @throws VoxtwirlError "bad-config" naming the first field that is wrong.
 */
export function parseRunConfig(
  value: unknown,
  taskNamed: (name: string | undefined) => ConfigChecker,
  fileName = "config.json",
): RunConfig {
  const fail = (what: string, cause?: unknown, fix = BEGUN_BY_ANOTHER): never => {
    throw new VoxtwirlError("bad-config", `${fileName} is not a run's configuration: ${what}`, fix, { cause });
  };
  const checked = <T>(check: () => T, fixOf: (error: unknown) => string | undefined): T => {
    try {
      return check();
    } catch (error) {
      return fail((error as Error).message, error, fixOf(error));
    }
  };
  const given = value as { format?: unknown; task?: unknown } | null;
  if (given?.format !== RUN_CONFIG_FORMAT) {
    return fail(`its format is ${JSON.stringify(given?.format)} and not ${RUN_CONFIG_FORMAT}`);
  }
  const task = checked(
    () => taskNamed(given.task as string | undefined),
    (error) => (error as VoxtwirlError).fix,
  );
  const completed = { ...(withPrecision(value) as object), task: task.name };
  const wrong = mismatch(completed, exampleOf(Object.values(task.presets)[0]!), "");
  if (wrong !== undefined) fail(`${wrong} is missing or of another type`);
  const config = completed as RunConfig;
  if (config.tuning !== undefined && typeof config.tuning !== "string") fail("tuning is of another type");
  if (config.keepCheckpoints !== undefined) {
    checked(
      () => checkKeptSteps(config.keepCheckpoints),
      () => undefined,
    );
  }
  checked(
    () => task.check(config.training),
    () => undefined,
  );
  return config;
}

/** Runs of before there was a choice are f32. */
function withPrecision(value: unknown): unknown {
  const { training } = value as { training?: unknown };
  if (typeof training !== "object" || training === null || Array.isArray(training) || "precision" in training) {
    return value;
  }
  return { ...(value as object), training: { ...training, precision: "f32" } };
}

/** Path of the first field of `example` that `value` lacks or has with another type; undefined when there is none. */
function mismatch(value: unknown, example: unknown, path: string): string | undefined {
  const here = path || "it";
  if (Array.isArray(example)) {
    if (!Array.isArray(value)) return here;
    return value.every((item) => typeof item === typeof example[0]) ? undefined : here;
  }
  if (typeof example !== "object" || example === null) return typeof value === typeof example ? undefined : here;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return here;
  for (const [key, part] of Object.entries(example)) {
    const wrong = mismatch((value as Record<string, unknown>)[key], part, path ? `${path}.${key}` : key);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
