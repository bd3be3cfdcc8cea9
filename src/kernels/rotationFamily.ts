import resampleCode from "../../shaders/resample.wgsl";
import rotateCode from "../../shaders/rotateOctahedral.wgsl";
import type { VariantFamily } from "./variant.ts";

export interface ResampleShape extends Record<string, number> {
  samples: number;
  size: number;
  channels: number;
  /** Catmull-Rom instead of trilinear. */
  cubic: number;
}

const WORKGROUPS = [64, 128, 256];

/**
 * A thread makes all channels of a voxel and shares the weights among them, or one: neighbours then lie side by side.
 */
export const resampleFamily: VariantFamily<ResampleShape> = {
  kernel: "resample",
  shaders: [{ name: "resample", code: resampleCode }],
  variants: (caps) =>
    WORKGROUPS.filter((n) => n <= caps.maxWorkgroupInvocations).flatMap((WORKGROUP) => [
      { name: `voxel w${WORKGROUP}`, constants: { whole: 1, WORKGROUP } },
      { name: `channel w${WORKGROUP}`, constants: { whole: 0, WORKGROUP } },
    ]),
  shapeClass: ({ cubic }) => (cubic ? "catmull-rom" : "trilinear"),
  describe: ({ samples, size, channels, cubic }) => `${samples}x${size}^3x${channels}${cubic ? ", catmull-rom" : ""}`,
};

export interface RotateShape extends Record<string, number> {
  samples: number;
  size: number;
  channels: number;
  /** Rotations of each sample. */
  each: number;
  perSample: number;
}

/** Each voxel read once and written to all its places, or each place reading its voxel. */
export const rotateOctahedralFamily: VariantFamily<RotateShape> = {
  kernel: "rotateOctahedral",
  shaders: [{ name: "rotateOctahedral", code: rotateCode }],
  variants: () => [
    { name: "scatter", constants: { scatter: 1 } },
    { name: "gather", constants: { scatter: 0 } },
  ],
  shapeClass: ({ each }) => (each > 1 ? "many rotations" : "one rotation"),
  describe: ({ samples, size, channels, each, perSample }) =>
    `${samples}x${each} of ${size}^3x${channels}${perSample ? ", by sample" : ""}`,
};
