import { constants } from "node:os";

/** dlopen's RTLD_NODELETE on Linux, a flag that Node has no name for: the library stays loaded when Node closes it. */
const STAY_LOADED = 0x1000;

/**
 * Loads a shared library of Linux into this process for good. Libraries that need it find it by its soname from then
 * on, wherever its file lies.
 *
 * @param library a path, or a name to look for where the dynamic linker looks
 * @returns undefined, or why it cannot be loaded
 */
export function loadLibrary(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | STAY_LOADED);
  } catch (error) {
    // Node opens addons: what it closes again as none was loaded.
    const { message } = error as Error;
    return message.includes("did not self-register") ? undefined : message;
  }
  return undefined;
}
