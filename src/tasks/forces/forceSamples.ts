import { requireWhole } from "../../check.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { ModelSamples, ModelSamplesOptions } from "../../training/task.ts";
import type { ForceConfig } from "./forceConfig.ts";
import { targetOf } from "./forceEvaluator.ts";
import { ForceField } from "./forceField.ts";
import type { PackedStructures } from "./packStructures.ts";

/**
 * A force field with positions of structures, [n, 3] in Angstrom, and their forces in eV/Angstrom: vectors both, so
 * that reflections act on them too. Each copy has the list of neighbours of its own positions.
 */
export async function forceSamples(
  gpu: Gpu,
  { model: file, data, precision }: ModelSamplesOptions<ForceConfig, PackedStructures>,
): Promise<ModelSamples> {
  const model = await ForceField.load(gpu, file, { precision });
  const { atoms, offsets } = data;
  const how = { kind: "vectors" } as const;
  const sampleAt = (index: number) => {
    requireWhole("index", index, 0, data.count - 1);
    const [from, to] = [offsets[index]!, offsets[index + 1]!];
    const input = Float32Array.from({ length: 3 * (to - from) }, (_, at) => {
      return atoms[4 * (from + Math.floor(at / 3)) + (at % 3)]!;
    });
    return { input, target: Float32Array.from(targetOf(data, index)) };
  };
  return {
    input: how,
    output: how,
    sample: (index) => Promise.resolve(index).then(sampleAt),
    async predict(positions, { count, sample }) {
      requireWhole("sample", sample, 0, data.count - 1);
      const [from, to] = [offsets[sample]!, offsets[sample + 1]!];
      const elements = Uint8Array.from({ length: to - from }, (_, i) => atoms[4 * (from + i) + 3]!);
      const size = positions.length / count;
      const copies = Array.from({ length: count }, (_, k) => ({
        elements,
        positions: Float64Array.from(positions.subarray(k * size, (k + 1) * size)),
      }));
      const forces = new Float32Array(positions.length);
      (await model.predict(copies)).forEach((one, k) => forces.set(one.forces, k * size));
      return forces;
    },
    destroy: () => model.destroy(),
  };
}
