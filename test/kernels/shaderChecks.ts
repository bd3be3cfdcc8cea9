import { runInNewContext } from "node:vm";
import type { Shader } from "../../src/gpu/shader.ts";
import { preprocess, type Constants } from "../../src/gpu/preprocess.ts";
import { shaderLibrary } from "../../src/gpu/shaderLibrary.ts";

const ELEMENT_BYTES: Readonly<Record<string, number>> = { f32: 4, i32: 4, "vec4<f32>": 16, "vec4<u32>": 16 };

/** The sum of the sizes of all workgroup variables of a shader, as the preprocessor and WGSL give them. */
export function declaredBytes(shader: Shader, constants: Constants): number {
  const code = preprocess(shader, constants, shaderLibrary()).replace(/\/\/[^\n]*/g, "");
  // Operators of BigInt are those of WGSL's integers.
  const whole = (expression: string) => expression.replace(/\b\d+\b/g, "$&n");
  const size = (type: string): string => {
    const [, element, count] = /^array<(array<.*>|\w+<\w+>|\w+), (.*)>$/.exec(type) ?? [];
    if (element && count) return `${size(element)} * (${whole(count)})`;
    if (!(type in ELEMENT_BYTES)) throw new Error(`${shader.name}: a workgroup variable of type ${type}`);
    return `${ELEMENT_BYTES[type]}n`;
  };
  const integers = [...code.matchAll(/^const (\w+) = (?!0x)([\w\s()|,+*/%-]+);$/gm)];
  const consts = integers.map(([, name, value]) => `const ${name} = ${whole(value!)};`);
  const sizes = [...code.matchAll(/^var<workgroup> \w+: (.*);$/gm)].map(([, type]) => size(type!));
  const functions = "const max = (a, b) => (a > b ? a : b), min = (a, b) => (a < b ? a : b);";
  return Number(runInNewContext([functions, ...consts, ["0n", ...sizes].join(" + ")].join("\n")));
}

/** What the device's WGSL compiler has against a shader. */
export async function shaderErrors(device: GPUDevice, shader: Shader, constants: Constants): Promise<string[]> {
  const module = device.createShaderModule({ code: preprocess(shader, constants, shaderLibrary()) });
  const { messages } = await module.getCompilationInfo();
  return messages.filter(({ type }) => type === "error").map(({ message }) => message);
}
