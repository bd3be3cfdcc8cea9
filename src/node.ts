// The public API for Node: everything of "voxtwirl" plus Dawn, adapter choice and files. Imported as "voxtwirl/node".
export * from "./index.ts";
export { keptModels, type KeptModel } from "./runs/keptModels.ts";
export { openFlowModel, openForceField, openModel, readModelFile } from "./runs/modelFile.ts";
export type { AnyModel } from "./tasks/list.ts";
export { readChainFile, type ChainFile, type ReadChainsOptions } from "./node/chains.ts";
export { openChemLibKey } from "./node/moleculeKey.ts";
export type { DataFile } from "./node/dataFile.ts";
export type { MoleculeFile } from "./node/moleculeFile.ts";
export { readMoleculeFile, type ReadMoleculesOptions } from "./node/molecules.ts";
export { openAdapter, type OpenAdapterOptions, type OpenedAdapter } from "./node/open.ts";
export type { RunEvent } from "./runs/folderRun.ts";
export type { SafeEntry } from "./formats/safetensors.ts";
export { openGpu, type OpenGpuOptions } from "./node/openGpu.ts";
export { RunFolder, type CreateRunFolderOptions, type OpenRunFolderOptions } from "./runs/runFolder.ts";
export { readSafetensors, type SafeSource } from "./runs/safetensorsFile.ts";
export { lookAtRun, RUN_FILES, type RunStage } from "./runs/runStage.ts";
export { withNap } from "./node/nap.ts";
export { trainingRun, type TrainingRunOptions } from "./runs/trainingRun.ts";
