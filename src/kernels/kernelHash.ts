import type { Shader } from "../gpu/shader.ts";
import { shaderLibrary } from "../gpu/shaderLibrary.ts";
import { kernelsWithVariants } from "./list.ts";

/** 64 bits as 16 hexadecimal digits: FNV-1a twice, from different starts. For telling texts apart, not for secrets. */
export function textHash(text: string): string {
  const half = (start: number) => {
    let hash = start;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    return (hash >>> 0).toString(16).padStart(8, "0");
  };
  return half(0x811c9dc5) + half(0x9e3779b9);
}

/** By kernel with variants, a hash of its shaders with all that they import. */
export function kernelHashes(): Record<string, string> {
  return Object.fromEntries(kernelsWithVariants().map(({ name, shaders }) => [name, textHash(shadersText(shaders))]));
}

function shadersText(shaders: readonly Shader[]): string {
  const texts = new Map(shaders.map(({ name, code }) => [name, code]));
  const add = (code: string) => {
    for (const [, name] of code.matchAll(/^\s*#import\s+(\w+)/gm)) {
      if (texts.has(`shared/${name}`)) continue;
      texts.set(`shared/${name}`, shaderLibrary()[name!] ?? "");
      add(shaderLibrary()[name!] ?? "");
    }
  };
  for (const { code } of shaders) add(code);
  return [...texts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((entry) => entry.join("\n"))
    .join("\n");
}
