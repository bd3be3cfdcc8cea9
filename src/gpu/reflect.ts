import { VoxtwirlError } from "../errors.ts";

export interface FieldLayout {
  readonly type: string;
  readonly components: number;
  readonly scalar: "u32" | "i32" | "f32";
  readonly offset: number;
}

export interface StructLayout {
  readonly size: number;
  readonly fields: ReadonlyMap<string, FieldLayout>;
}

export interface BindingLayout {
  readonly binding: number;
  readonly name: string;
  readonly space: "uniform" | "storage";
  readonly access: "read" | "read_write";
  /** The declared type, such as `array<vec4<f32>>` or `Params`. */
  readonly type: string;
  /** Whether it holds f16, by itself or by an alias. */
  readonly half: boolean;
}

export interface Reflection {
  readonly bindings: readonly BindingLayout[];
  /** Structs that uniform bindings refer to. */
  readonly structs: ReadonlyMap<string, StructLayout>;
}

/** `@group(0) @binding(1) var<storage, read_write> y: array<f32>;`: group, binding, space, access, name and type. */
const PLACE = /@group\((\d+)\)\s*@binding\((\d+)\)\s*/;
const VARIABLE = /var\s*<\s*(uniform|storage)\s*(?:,\s*(read_write|read)\s*)?>\s*(\w+)\s*:\s*([^;]+);/;

const SCALARS = new Set(["u32", "i32", "f32"]);

/**
 * Bindings and uniform layouts of preprocessed WGSL. Offsets follow the address-space rules of the WGSL specification
 * (section "Alignment and size"): scalars and vectors only, as that is all our uniform structs hold.
 *
 * @throws VoxtwirlError "shader-compile" when a binding is not in group 0 or a uniform field has an unsupported type.
 */
export function reflect(file: string, source: string): Reflection {
  const code = source.replace(/\/\/[^\n]*/g, "").replace(/\/\*[\s\S]*?\*\//g, "");
  const bindings: BindingLayout[] = [];
  const aliases = new Map<string, string>();
  for (const [, name, type] of code.matchAll(/\balias\s+(\w+)\s*=\s*([^;]+);/g)) aliases.set(name!, type!);
  for (const match of code.matchAll(new RegExp(PLACE.source + VARIABLE.source, "g"))) {
    const [, group, binding, space, access, name, type] = match as unknown as string[];
    if (group !== "0") throw compileError(file, `binding '${name}' is in group ${group}; only group 0 is used`);
    bindings.push({
      binding: Number(binding),
      name: name!,
      space: space as "uniform" | "storage",
      access: (access ?? "read") as "read" | "read_write",
      type: type!.replace(/\s+/g, ""),
      half: isHalf(type!, aliases),
    });
  }
  const structs = new Map<string, StructLayout>();
  for (const { space, type } of bindings) {
    if (space === "uniform" && !structs.has(type)) structs.set(type, structLayout(file, code, type));
  }
  return { bindings, structs };
}

function isHalf(type: string, aliases: ReadonlyMap<string, string>): boolean {
  const words: readonly string[] = type.match(/\w+/g) ?? [];
  return words.some((word) => /^(f16|vec[234]h)$/.test(word) || isHalf(aliases.get(word) ?? "", aliases));
}

function structLayout(file: string, code: string, name: string): StructLayout {
  const body = new RegExp(`struct\\s+${name}\\s*\\{([^}]*)\\}`).exec(code)?.[1];
  if (body === undefined) throw compileError(file, `uniform type '${name}' is not a struct of this shader`);
  const fields = new Map<string, FieldLayout>();
  let offset = 0;
  let alignment = 4;
  for (const part of body.split(/,(?![^<]*>)/)) {
    if (part.trim() === "") continue;
    const match = /^\s*(\w+)\s*:\s*(?:vec([234])<(\w+)>|vec([234])([uif])|(\w+))\s*$/.exec(part);
    const components = Number(match?.[2] ?? match?.[4] ?? 1);
    const short = { u: "u32", i: "i32", f: "f32" }[match?.[5] ?? ""];
    const scalar = match?.[3] ?? short ?? match?.[6] ?? "";
    if (!match || !SCALARS.has(scalar)) throw compileError(file, `unsupported uniform field '${part.trim()}'`);
    const align = components === 1 ? 4 : components === 2 ? 8 : 16;
    offset = Math.ceil(offset / align) * align;
    alignment = Math.max(alignment, align);
    fields.set(match[1]!, { type: part.trim(), components, scalar: scalar as FieldLayout["scalar"], offset });
    offset += components * 4;
  }
  return { size: Math.ceil(offset / alignment) * alignment, fields };
}

/**
 * Writes `values` into `target` at `byteOffset` as the struct wants them.
 *
 * @throws VoxtwirlError "internal" when a field is missing, unknown or has the wrong number of components.
 */
export function packStruct(
  layout: StructLayout,
  values: Readonly<Record<string, number | readonly number[]>>,
  target: DataView,
  byteOffset: number,
  what: string,
): void {
  const wrong = (message: string) =>
    new VoxtwirlError("internal", `${what}: ${message}`, "Report this: a kernel is wrong.");
  for (const name of Object.keys(values)) if (!layout.fields.has(name)) throw wrong(`no uniform field '${name}'`);
  for (const [name, field] of layout.fields) {
    const value = values[name];
    if (value === undefined) throw wrong(`uniform field '${name}' is not given`);
    const list = typeof value === "number" ? [value] : value;
    if (list.length !== field.components) {
      throw wrong(`field '${name}' takes ${field.components} numbers, got ${list.length}`);
    }
    list.forEach((number, i) => {
      const at = byteOffset + field.offset + i * 4;
      if (field.scalar !== "f32" && !Number.isInteger(number)) {
        throw wrong(`field '${name}' is an integer, got ${number}`);
      }
      if (field.scalar === "f32") target.setFloat32(at, number, true);
      else if (field.scalar === "i32") target.setInt32(at, number, true);
      else if (number < 0 || number > 0xffffffff) throw wrong(`field '${name}' is out of range for u32: ${number}`);
      else target.setUint32(at, number, true);
    });
  }
}

function compileError(file: string, message: string): VoxtwirlError {
  return new VoxtwirlError("shader-compile", `${file}.wgsl: ${message}`, "Correct the shader.");
}
