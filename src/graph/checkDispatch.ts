import { VoxtwirlError } from "../errors.ts";
import { MAX_WORKGROUPS_PER_DIMENSION, type Dispatch } from "../gpu/dispatch.ts";
import type { ShaderVariant } from "../gpu/pipelines.ts";
import type { Graph } from "./graph.ts";

/** @throws VoxtwirlError "internal" when what a kernel gives does not match its shader */
export function checkDispatch(graph: Graph, d: Dispatch, variant: ShaderVariant): void {
  const wrong = (what: string) =>
    new VoxtwirlError("internal", `${d.label} (${variant.label}): ${what}`, "Report this: a kernel is wrong.");
  const { bindings } = variant.reflection;
  const names = new Set(bindings.map((b) => b.name));
  for (const name of Object.keys(d.bindings)) if (!names.has(name)) throw wrong(`the shader has no binding '${name}'`);
  const bound = new Map<string, string>();
  for (const { name, half } of bindings) {
    if (name === "params") continue;
    const tensor = d.bindings[name];
    if (!tensor) throw wrong(`binding '${name}' is not given`);
    if (half !== (tensor.dtype === "f16")) {
      throw wrong(`'${name}' holds ${half ? "f16" : "no f16"}, '${tensor.label}' is ${tensor.dtype}`);
    }
    const place = `${graph.storageOf(tensor).id} ${graph.offsetOf(tensor)}`;
    const other = bound.get(place);
    if (other) throw wrong(`'${tensor.label}' is bound as '${other}' and as '${name}'`);
    bound.set(place, name);
  }
  if (names.has("params") !== (d.params !== undefined)) throw wrong("params and struct Params do not go together");
  for (const n of d.workgroups) {
    if (!Number.isInteger(n) || n < 1 || n > MAX_WORKGROUPS_PER_DIMENSION) {
      throw wrong(`workgroups ${d.workgroups.join(" x ")}`);
    }
  }
}
