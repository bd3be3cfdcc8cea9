/** Bytes of the archive at most. */
export const BUDGET: number;

export interface OfflineOptions {
  readonly out?: string;
  readonly platform?: string;
  /** Of the compression, 0 to 9. */
  readonly level?: number;
  /** Files that belong to the platform: Node's binary and a Vulkan loader. */
  readonly node?: string;
  readonly loader?: string;
  readonly swiftshader?: boolean;
  readonly budget?: number;
}

export interface OfflineArchive {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Bytes of its parts before compression. */
  readonly sizes: readonly (readonly [part: string, bytes: number])[];
  readonly notes: readonly string[];
}

export function bundleOffline(options?: OfflineOptions): Promise<OfflineArchive>;
