/** WebGPU's alignment of storage and uniform binding offsets. */
export const BINDING_ALIGNMENT = 256;

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
