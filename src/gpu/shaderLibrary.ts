import grid from "../../shaders/shared/grid.wgsl";
import philox from "../../shaders/shared/philox.wgsl";
import step from "../../shaders/shared/step.wgsl";

/** What shaders may `#import`, by name: the files of `shaders/shared`. */
export const shaderLibrary: Readonly<Record<string, string>> = { grid, philox, step };
