import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a stand-in for apt-get or dpkg-deb does in place of its work, as shell code. */
export interface Faults {
  update?: string;
  plan?: string;
  download?: string;
  unpack?: string;
}

/** Where a Debian has the driver that is "unpacked", and its manifest. */
const LIBRARIES = "/usr/lib/$(uname -m)-linux-gnu";
const MANIFESTS = "/usr/share/vulkan/icd.d";

/**
 * Makes a folder with stand-ins for apt-get, apt-config and dpkg-deb, to be the first of PATH: they know of one Mesa,
 * fetch nothing, and unpack the driver that the machine has installed.
 */
export function makeTools(folder: string, version: string, faults: Faults = {}): void {
  mkdirSync(folder, { recursive: true });
  const tool = (name: string, code: string) => writeFileSync(join(folder, name), `#!/bin/sh\n${code}`, { mode: 0o755 });
  const files = [`mesa-vulkan-drivers_${version}_amd64.deb`, "libvulkan1_1.3_amd64.deb"];
  tool("apt-config", `echo "LIST='${folder}/sources.list'"`);
  writeFileSync(join(folder, "sources.list"), "deb http://mirror.example/debian bookworm main\n");
  const plan = files.map((file) => `echo "'http://mirror.example/${file}' ${file} 1000 "`).join(";");
  tool(
    "apt-get",
    `for word; do case $word in Dir::Cache::archives=*) archives=\${word#*=};; esac; done
case " $* " in
*" update "*) ${faults.update ?? ":"};;
*" --print-uris "*) ${faults.plan ?? plan};;
*) ${faults.download ?? `echo "dlstatus:1:50.0:" >&3; ${files.map((file) => `: > "$archives/${file}"`).join(";")}`};;
esac
`,
  );
  const unpack = `mkdir -p "$3${LIBRARIES}" "$3${MANIFESTS}"
cp ${LIBRARIES}/libvulkan.so.1 ${LIBRARIES}/libvulkan_lvp.so "$3${LIBRARIES}/"
cp ${MANIFESTS}/lvp_icd*.json "$3${MANIFESTS}/"`;
  tool("dpkg-deb", faults.unpack ?? unpack);
}
