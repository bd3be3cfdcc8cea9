/** What is asked of the machine. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined where the dynamic linker loads the library, else its reason. */
  readonly loads: (library: string) => string | undefined;
  /** Texts of the manifests of the Vulkan drivers that it lists. */
  readonly drivers: readonly string[];
  /** Names in /dev. */
  readonly devices: readonly string[];
  /** Keeps a manifest and gives its path. */
  readonly writeManifest: (text: string) => string;
}

/** Variables to set for voxtwirl to run, and what to tell the user; `here` is the unpacked archive. */
export function environmentFor(
  host: Host,
  here: string,
): { readonly variables: Readonly<Record<string, string>>; readonly notes: readonly string[] };

export function loads(library: string): string | undefined;
