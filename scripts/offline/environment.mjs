// Part of the offline archive: prints, for run.sh to evaluate, what this machine needs to find Vulkan. Nothing is
// changed that the machine has: its own loader and the drivers that it lists are used where they are.
import { mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** NVIDIA's driver under the names that it is a Vulkan driver by; the second needs no libraries of X11. */
const NVIDIA = ["libGLX_nvidia.so.0", "libEGL_nvidia.so.0"];

/**
 * What to set for voxtwirl to run.
 *
 * @param host `env`; `loads(library)`: whether the dynamic linker finds and loads it, undefined or why not;
 *   `drivers`: the texts of the manifests of Vulkan drivers that the machine lists; `writeManifest(text)` keeps one and
 *   gives its path; `devices`: names in /dev
 * @param here the unpacked archive
 * @returns variables to set, and what to tell the user
 */
export function environmentFor(host, here) {
  const { env, loads, drivers, writeManifest, devices } = host;
  const variables = {};
  const notes = [];
  const folders = [];
  const dawn = join(here, "node_modules", "webgpu", "dist", `${process.platform}-${process.arch}`, "dawn.node");
  const why = loads(dawn);
  if (why) {
    folders.push(join(here, "lib", "cxx"));
    notes.push(`Dawn does not load with this machine's C++ library, the archive's is tried: ${why}`);
  }
  if (loads("libvulkan.so.1")) folders.push(join(here, "lib", "vulkan"));
  if (folders.length > 0) variables.LD_LIBRARY_PATH = [...folders, env.LD_LIBRARY_PATH].filter(Boolean).join(":");

  const named = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES || env.VK_ADD_DRIVER_FILES;
  if (named || !devices.some((name) => /^nvidia\d+$/.test(name))) return { variables, notes };
  if (drivers.some((text) => /nvidia/i.test(text))) return { variables, notes };
  // Containers are often given the driver's libraries without its manifest.
  const library = NVIDIA.find((name) => !loads(name));
  if (library) {
    const manifest = { file_format_version: "1.0.0", ICD: { library_path: library, api_version: "1.3.0" } };
    const path = writeManifest(`${JSON.stringify(manifest)}\n`);
    // Old loaders do not know the first of these, and the other two would hide the drivers that are listed.
    if (drivers.length > 0) variables.VK_ADD_DRIVER_FILES = path;
    else Object.assign(variables, { VK_DRIVER_FILES: path, VK_ICD_FILENAMES: path });
  } else {
    notes.push(
      `There is an NVIDIA GPU, but its Vulkan driver does not load: ${loads(NVIDIA[0])}. In a container, start it ` +
        "with NVIDIA_DRIVER_CAPABILITIES=all (or graphics,compute,utility).",
    );
  }
  return { variables, notes };
}

/** Undefined where the dynamic linker loads the library, else its reason. */
export function loads(library) {
  try {
    process.dlopen({ exports: {} }, library);
  } catch (error) {
    // A library that is loaded but is no module of Node's.
    if (!/self-register|already loaded/.test(error.message)) return error.message;
  }
  return undefined;
}

/** The manifests in the folders where Vulkan's loader looks for them. */
function listedDrivers(env) {
  const home = env.HOME || homedir();
  const folders = [
    ...[env.XDG_CONFIG_HOME || join(home, ".config"), env.XDG_DATA_HOME || join(home, ".local", "share")],
    ...(env.XDG_CONFIG_DIRS || "/etc/xdg").split(":"),
    ...(env.XDG_DATA_DIRS || "/usr/local/share:/usr/share").split(":"),
    ...["/etc", "/usr/local/etc"],
  ];
  return folders.flatMap((folder) => {
    const icds = join(folder, "vulkan", "icd.d");
    return list(icds)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => {
        try {
          return [readFileSync(join(icds, name), "utf8")];
        } catch {
          return [];
        }
      });
  });
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function manifestIn(here, text) {
  try {
    const path = join(here, "nvidia_icd.json");
    writeFileSync(path, text);
    return path;
  } catch {
    const path = join(mkdtempSync(join(tmpdir(), "voxtwirl-")), "nvidia_icd.json");
    writeFileSync(path, text);
    return path;
  }
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  const here = fileURLToPath(new URL(".", import.meta.url)).replace(/\/$/, "");
  const { env } = process;
  const writeManifest = (text) => manifestIn(here, text);
  const host = { env, loads, drivers: listedDrivers(env), writeManifest, devices: list("/dev") };
  const { variables, notes } = environmentFor(host, here);
  for (const note of notes) console.error(`voxtwirl: ${note}`);
  for (const [name, value] of Object.entries(variables)) {
    console.log(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
  }
}
