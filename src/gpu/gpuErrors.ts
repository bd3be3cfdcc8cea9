import { VoxtwirlError } from "../errors.ts";

/** What WebGPU reports out of band, as the error that `Gpu.check` throws. */
export function typedError(error: GPUError): VoxtwirlError {
  const kind = error.constructor.name;
  if (kind === "GPUOutOfMemoryError") {
    return new VoxtwirlError("out-of-memory", error.message, "Use a smaller batch, grid or model.", { cause: error });
  }
  if (kind === "GPUValidationError") {
    return new VoxtwirlError("validation", error.message, "Report this: the engine gave the GPU a wrong command.", {
      cause: error,
    });
  }
  return new VoxtwirlError("internal", error.message, "Report this with the adapter's name.", { cause: error });
}
