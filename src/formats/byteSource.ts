/** Bytes that are read in parts: those of a file, or in memory. */
export interface ByteSource {
  readonly size: number;
  /** `length` bytes from `start`; fewer where they end. */
  readonly read: (start: number, length: number) => Promise<Uint8Array>;
}

/** Bytes in memory; what is read of them are views. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (start, length) => Promise.resolve(bytes.subarray(start, start + length)),
  };
}
