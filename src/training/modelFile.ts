import type { SafeFile } from "../formats/safetensors.ts";
import type { RunConfig } from "./runConfig.ts";
import type { TrainConfig } from "./trainConfig.ts";

/** A model as `voxtwirl train` writes it: weights, and in the metadata what they were trained with. */
export interface ModelFile<C extends TrainConfig = TrainConfig> {
  readonly path: string;
  readonly file: SafeFile;
  readonly config: RunConfig<C>;
  /** Updates that the weights have seen; NaN where the file does not say. */
  readonly step: number;
}
