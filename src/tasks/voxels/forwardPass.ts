import { VoxtwirlError } from "../../errors.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { Graph } from "../../graph/graph.ts";
import { Plan } from "../../graph/plan.ts";
import { Random } from "../../random.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { ForwardPass, TrainedModelOptions } from "../../training/task.ts";
import type { VoxelConfig } from "./voxelConfig.ts";
import { VoxelDenoiser } from "./voxelDenoiser.ts";

/** A forward pass of a trained denoiser on grids of normal noise. */
export async function voxelForward(
  gpu: Gpu,
  file: ModelFile<VoxelConfig>,
  { batch, ...options }: TrainedModelOptions & { readonly batch: number },
): Promise<ForwardPass> {
  const model = await VoxelDenoiser.load(gpu, file, options);
  let grids: BufferView | undefined;
  const destroy = () => {
    if (grids) gpu.destroyBuffer(grids.buffer);
    model.destroy();
  };
  try {
    const { grid, elements, sigma, seed } = model.config;
    const shape = [batch, grid, grid, grid, elements.length];
    // Bindings have their limit before the buffer has.
    const bytes = shape.reduce((product, size) => product * size, 4);
    if (bytes > gpu.caps.maxBindingBytes) {
      throw new VoxtwirlError(
        "too-large",
        `${batch} grids of ${grid}^3 voxels take ${bytes} bytes, more than one binding holds`,
        "Use a smaller --batch.",
      );
    }
    const random = new Random(seed);
    grids = gpu.upload(
      "grids",
      Float32Array.from({ length: bytes / 4 }, () => sigma * random.normal()),
    );
    const graph = new Graph(gpu.caps, { precision: model.precision });
    graph.keep(model.forward(graph, graph.external("grids", shape, grids)));
    const plan = await Plan.create(gpu, graph, { label: "forward" });
    return {
      plan,
      destroy: () => {
        plan.destroy();
        destroy();
      },
    };
  } catch (error) {
    destroy();
    throw error;
  }
}
