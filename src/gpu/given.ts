import { VoxtwirlError } from "../errors.ts";
import type { GPUAdapter, GPUAdapterInfo, GPUDevice } from "../hostTypes.ts";

/**
 * Checks what a caller gives as an adapter, by its methods: that of another realm or implementation has another class.
 *
 * @throws VoxtwirlError "no-adapter" when there is none, with what the host lacks; "bad-option" for something else
 */
export function requireAdapter(given: unknown): asserts given is GPUAdapter {
  if (given === null || given === undefined) throw noAdapter(`there is no adapter, but ${given}`);
  if (has(given, "requestDevice")) return;
  throw wrong("adapter", given, "what navigator.gpu.requestAdapter() resolves to");
}

/** The same of a device. */
export function requireDevice(given: unknown): asserts given is GPUDevice {
  if (given === null || given === undefined) throw noAdapter(`there is no device, but ${given}`);
  if (has(given, "createBuffer")) return;
  throw wrong("device", given, "what adapter.requestDevice() resolves to");
}

/** @throws VoxtwirlError "bad-option" where neither the caller nor the device (in older browsers) tells its adapter */
export function requireInfo(given: GPUAdapterInfo | undefined): GPUAdapterInfo {
  if (given) return given;
  throw new VoxtwirlError("bad-option", "this device does not tell its adapter", "Give info: adapter.info.");
}

function has(value: unknown, method: string): boolean {
  return typeof (value as Record<string, unknown>)[method] === "function";
}

function wrong(what: string, given: unknown, wanted: string): VoxtwirlError {
  const maker = (given as { constructor?: { name: string } } | null)?.constructor;
  const name = typeof given === "object" ? (maker?.name ?? "object") : typeof given;
  const cure = has(given, "then") ? `Await it: give ${wanted}.` : `Give ${wanted}.`;
  return new VoxtwirlError("bad-option", `the ${what} given is of type ${name}`, cure);
}

/** Why a host has no adapter, as far as it tells, and what to do. */
function noAdapter(message: string): VoxtwirlError {
  const { navigator, isSecureContext, process } = globalThis as {
    navigator?: { gpu?: unknown };
    isSecureContext?: boolean;
    process?: { versions?: { node?: string } };
  };
  const browser = "a current Chrome, Edge, Safari or Firefox, with graphics acceleration switched on";
  const error = (why: string, fix: string) => new VoxtwirlError("no-adapter", `${message}: ${why}`, fix);
  if (navigator?.gpu) {
    return error(
      "WebGPU finds no adapter that fits",
      `In a browser, see chrome://gpu or about:support for the reason: use ${browser}, and a driver that is not ` +
        "blocked (on Linux chrome://flags/#enable-unsafe-webgpu and #enable-vulkan), and ask without requirements.",
    );
  }
  if (isSecureContext === false) {
    return error("this page has no WebGPU, because it is not secure", "Serve it by HTTPS, or from localhost.");
  }
  if (process?.versions?.node) {
    return error(
      "Node has no WebGPU of its own",
      `Use openGpu() of voxtwirl/node. In a browser WebGPU takes HTTPS or localhost and ${browser}: see chrome://gpu.`,
    );
  }
  return error(
    "this browser has no navigator.gpu",
    `Use ${browser}, by HTTPS or from localhost; where WebGPU is behind a switch, see chrome://flags or about:config.`,
  );
}
