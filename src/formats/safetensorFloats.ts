import { decodeHalf } from "../gpu/half.ts";
import type { SafeTensor } from "./safetensors.ts";

/**
 * The values of a tensor of F32, F16, BF16 or F64 as f32: exact, but F64 rounded to nearest and infinite beyond f32's
 * range. F32 is the tensor's own memory. Undefined for any other type.
 */
export function floats({ dtype, data }: SafeTensor): Float32Array | undefined {
  switch (dtype) {
    case "F32":
      return data as Float32Array;
    case "F64":
      return Float32Array.from(data as Float64Array);
    case "F16":
      return decodeHalf(data as Uint16Array, data.length);
    case "BF16":
      // The upper half of an f32's bits.
      return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => bits * 2 ** 16).buffer);
    default:
      return undefined;
  }
}
