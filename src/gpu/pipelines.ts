import { VoxtwirlError } from "../errors.ts";
import type { GPUBindGroupLayout, GPUComputePipeline, GPUDevice } from "../hostTypes.ts";
import type { Shader } from "./shader.ts";
import { preprocess, type Constants } from "./preprocess.ts";
import { reflect, type Reflection } from "./reflect.ts";
import { shaderLibrary } from "./shaderLibrary.ts";

export interface CompiledPipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly reflection: Reflection;
}

/** The preprocessed text of a shader with its reflection; enough to check bindings before anything is compiled. */
export interface ShaderVariant {
  readonly key: string;
  readonly label: string;
  readonly code: string;
  readonly reflection: Reflection;
}

/**
 * Compiles each (shader, constants) pair once, asynchronously; requests in flight are shared.
 *
 * Tensors live side by side in arena buffers, and WebGPU allows one buffer in a dispatch either as read-only or as
 * writable, never both. So every storage binding is compiled as `read_write`, whatever the file says.
 */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #variants = new Map<string, ShaderVariant>();
  readonly #pipelines = new Map<string, Promise<CompiledPipeline>>();
  /** Keys of those that `warmUp` has seen. */
  readonly warm = new Set<string>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** How many distinct pipelines have been asked for. */
  get size(): number {
    return this.#pipelines.size;
  }

  variant(shader: Shader, constants: Constants = {}): ShaderVariant {
    const entries = Object.entries(constants)
      .filter(([, value]) => value !== false)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const suffix = entries.map(([name, value]) => (value === true ? name : `${name}=${value}`)).join(",");
    const label = suffix === "" ? shader.name : `${shader.name}<${suffix}>`;
    // The code too: callers bring shaders of their own, under any name.
    const key = `${label}\n${shader.code}`;
    const known = this.#variants.get(key);
    if (known) return known;
    const text = preprocess(shader, constants, shaderLibrary());
    const reflection = reflect(shader.name, text);
    const code = text.replace(/var\s*<\s*storage\s*(,\s*read\s*)?>/g, "var<storage, read_write>");
    const variant = { key, label, code, reflection };
    this.#variants.set(key, variant);
    return variant;
  }

  get(variant: ShaderVariant): Promise<CompiledPipeline> {
    let pending = this.#pipelines.get(variant.key);
    if (!pending) {
      pending = this.#compile(variant);
      this.#pipelines.set(variant.key, pending);
    }
    return pending;
  }

  async #compile(variant: ShaderVariant): Promise<CompiledPipeline> {
    const device = this.#device;
    const { label, reflection } = variant;
    const layout = device.createBindGroupLayout({
      label,
      entries: reflection.bindings.map(({ binding, space }) => ({
        binding,
        visibility: 4, // GPUShaderStage.COMPUTE
        buffer: { type: space === "uniform" ? "uniform" : "storage" },
      })),
    });
    // The module's own error is told by the pipeline below: in a scope it is not reported a second time.
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label, code: variant.code });
    void device.popErrorScope().catch(() => undefined);
    try {
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main" },
      });
      return { pipeline, layout, reflection };
    } catch (cause) {
      this.#pipelines.delete(variant.key);
      throw await compileError(variant, module, cause);
    }
  }
}

async function compileError(variant: ShaderVariant, module: GPUShaderModule, cause: unknown): Promise<VoxtwirlError> {
  const info = await module.getCompilationInfo();
  const messages = info.messages.filter((m) => m.type === "error");
  const marked = new Map(messages.map((m) => [m.lineNum, m.message]));
  const lines = variant.code.split("\n");
  const width = String(lines.length).length;
  const listing = lines.flatMap((line, i) => {
    const numbered = `${String(i + 1).padStart(width)} | ${line}`;
    const message = marked.get(i + 1);
    return message === undefined ? [numbered] : [numbered, `${" ".repeat(width)} ^ error: ${message}`];
  });
  const first = messages[0]
    ? `line ${messages[0].lineNum}: ${messages[0].message}`
    : ((cause as Partial<Error>).message ?? String(cause));
  return new VoxtwirlError(
    "shader-compile",
    `${variant.label} does not compile: ${first}\n${listing.join("\n")}`,
    "If the shader is yours, correct the marked lines; otherwise report this with the adapter's name.",
    { cause },
  );
}
