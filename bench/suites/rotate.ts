import { quaternionToMatrix } from "../../src/equivariance/rotations.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { resample, resampleGrad, type ResampleMethod } from "../../src/kernels/rotation/resample.ts";
import { rotateOctahedral } from "../../src/kernels/rotation/rotateOctahedral.ts";
import { tapWeight } from "../../src/reference/resample.ts";
import type { BenchCase, CaseData, Expected } from "../case.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";
import { sampleIndices } from "../sampledConv.ts";

type Vec3 = [number, number, number];

const SAMPLES = 8;
const CHANNELS = 8;
/** A rotation without symmetry: 1 radian about (1, 2, 3), as a float32 matrix. */
const ROTATION = rotation();

/** R32 and R64, their Catmull-Rom and adjoint forms, and the exact rotations of the cube. */
export function rotateCases(): BenchCase[] {
  return [
    interpolated("rotate/R32", 32, "trilinear"),
    interpolated("rotate/R64", 64, "trilinear"),
    interpolated("rotate/R32/catmullRom", 32, "catmullRom"),
    adjoint("rotate/R32/adjoint", 32),
    octahedral("rotate/octahedral32", 32),
  ];
}

function rotation(): Float32Array<ArrayBuffer> {
  const axis = [1, 2, 3].map((value) => value / Math.hypot(1, 2, 3));
  const sine = Math.sin(0.5);
  return Float32Array.from(quaternionToMatrix([axis[0]! * sine, axis[1]! * sine, axis[2]! * sine, Math.cos(0.5)]));
}

const matrices: InputSpec<"matrix" | "rotations">[] = [
  { name: "matrix", shape: [3, 3], only: "peers", make: () => ROTATION },
  {
    name: "rotations",
    shape: [SAMPLES, 9],
    only: "ours",
    make: () => Float32Array.from({ length: SAMPLES * 9 }, (_, i) => ROTATION[i % 9]!),
  },
];

function interpolated(name: string, size: number, method: ResampleMethod): BenchCase {
  const x = [SAMPLES, size, size, size, CHANNELS];
  const taps = method === "trilinear" ? 8 : 64;
  return graphCase({
    name,
    suite: "rotate",
    shape: `${SAMPLES} x ${CHANNELS} at ${size}^3, ${method}`,
    dataName: name.split("/").slice(0, 2).join("/"),
    inputs: [{ name: "x", shape: x }, ...matrices],
    outputs: [{ name: "y", shape: x }],
    flops: 2 * taps * SAMPLES * size ** 3 * CHANNELS,
    tolerance: tolerance(size),
    peers: { operation: method === "trilinear" ? "rotate" : "rotateCatmullRom", attributes: {} },
    emit: (graph, t) => resample(graph, { label: name, x: t.x, rotations: t.rotations, y: t.y, method }),
    expected: (data) => sampledRotation(data, size, method),
  });
}

/** Weights follow from coordinates of up to `size` in float32, whose rounding their slope passes on. */
function tolerance(size: number): number {
  return 4 * size * 2 ** -24;
}

const SAMPLED_VOXELS = 500;

/** Some voxels in float64, gathered as the kernel's mathematics says: y(p) = x(R^-1 p). */
function sampledRotation(data: CaseData, size: number, method: ResampleMethod): Expected[] {
  const x = data.get("x")!;
  const reach = method === "trilinear" ? 1 : 2;
  const centre = (size - 1) / 2;
  const indices: number[] = [];
  const values: number[] = [];
  const near = (s: number) => {
    const all: number[] = [];
    for (let i = Math.ceil(s - reach); i <= s + reach; i++) {
      if (i >= 0 && i < size && Math.abs(i - s) < reach) all.push(i);
    }
    return all;
  };
  for (const voxel of sampleIndices(SAMPLES * size ** 3, SAMPLED_VOXELS)) {
    const p = [voxel % size, Math.floor(voxel / size) % size, Math.floor(voxel / size ** 2) % size].map(
      (i) => i - centre,
    );
    const s = [0, 1, 2].map((j) => ROTATION[j]! * p[0]! + ROTATION[3 + j]! * p[1]! + ROTATION[6 + j]! * p[2]! + centre);
    const sample = Math.floor(voxel / size ** 3) * size ** 3;
    const sums = new Float64Array(CHANNELS);
    for (const k of near(s[2]!)) {
      for (const j of near(s[1]!)) {
        for (const i of near(s[0]!)) {
          const weight = tapWeight(method, s[0]! - i) * tapWeight(method, s[1]! - j) * tapWeight(method, s[2]! - k);
          const from = (sample + (k * size + j) * size + i) * CHANNELS;
          for (let c = 0; c < CHANNELS; c++) sums[c]! += weight * x[from + c]!;
        }
      }
    }
    sums.forEach((value, c) => {
      indices.push(voxel * CHANNELS + c);
      values.push(value);
    });
  }
  return [{ output: "y", indices, values }];
}

/** The transpose of the rotation, which its gradient is. */
function adjoint(name: string, size: number): BenchCase {
  const x = [SAMPLES, size, size, size, CHANNELS];
  return graphCase({
    name,
    suite: "rotate",
    shape: `${SAMPLES} x ${CHANNELS} at ${size}^3, trilinear, adjoint`,
    inputs: [{ name: "gradY", shape: x }, ...matrices],
    outputs: [{ name: "gradX", shape: x }],
    flops: 2 * 8 * SAMPLES * size ** 3 * CHANNELS,
    tolerance: tolerance(size),
    peers: { operation: "rotateAdjoint", attributes: {} },
    emit: (graph, t) => {
      resampleGrad(graph, {
        label: name,
        rotations: t.rotations,
        gradY: t.gradY,
        gradX: t.gradX,
        method: "trilinear",
      });
    },
    expected: (data) => adjointOfFirst(data, size),
  });
}

/** The first sample's whole gradient, scattered voxel by voxel. */
function adjointOfFirst(data: CaseData, size: number): Expected[] {
  const gradY = data.get("gradY")!;
  const centre = (size - 1) / 2;
  const values = new Float64Array(size ** 3 * CHANNELS);
  for (let voxel = 0; voxel < size ** 3; voxel++) {
    const p = [voxel % size, Math.floor(voxel / size) % size, Math.floor(voxel / size ** 2)].map((i) => i - centre);
    const s = [0, 1, 2].map((j) => ROTATION[j]! * p[0]! + ROTATION[3 + j]! * p[1]! + ROTATION[6 + j]! * p[2]! + centre);
    for (let corner = 0; corner < 8; corner++) {
      const [i, j, k] = [0, 1, 2].map((axis) => Math.floor(s[axis]!) + ((corner >> axis) & 1)) as Vec3;
      if ([i, j, k].some((at) => at < 0 || at >= size)) continue;
      const weight =
        tapWeight("trilinear", s[0]! - i) * tapWeight("trilinear", s[1]! - j) * tapWeight("trilinear", s[2]! - k);
      const to = ((k * size + j) * size + i) * CHANNELS;
      for (let c = 0; c < CHANNELS; c++) values[to + c]! += weight * gradY[voxel * CHANNELS + c]!;
    }
  }
  return [{ output: "gradX", values }];
}

/** All 24 rotations of one sample. */
function octahedral(name: string, size: number): BenchCase {
  const count = octahedralMatrices.length;
  return graphCase({
    name,
    suite: "rotate",
    shape: `1 x ${CHANNELS} at ${size}^3, ${count} rotations of the cube`,
    inputs: [
      { name: "x", shape: [1, size, size, size, CHANNELS] },
      {
        name: "elements",
        shape: [count],
        only: "ours",
        make: () => Uint32Array.from({ length: count }, (_, i) => i),
      },
      {
        name: "matrices",
        shape: [count, 9],
        only: "peers",
        make: () => Float32Array.from(octahedralMatrices.flatMap((matrix) => [...matrix])),
      },
    ],
    outputs: [{ name: "y", shape: [count, size, size, size, CHANNELS] }],
    flops: 0,
    tolerance: 0,
    peers: { operation: "rotateOctahedral", attributes: {} },
    emit: (graph, t) => rotateOctahedral(graph, { label: name, x: t.x, rotations: t.elements, y: t.y }),
    expected: (data) => sampledPermutation(data, size),
  });
}

/** Some voxels of every rotation: exact. */
function sampledPermutation(data: CaseData, size: number): Expected[] {
  const x = data.get("x")!;
  const last = size - 1;
  const indices: number[] = [];
  const values: number[] = [];
  octahedralMatrices.forEach((matrix, g) => {
    for (const voxel of sampleIndices(size ** 3, 20)) {
      const p = [voxel % size, Math.floor(voxel / size) % size, Math.floor(voxel / size ** 2)].map((i) => 2 * i - last);
      const from = [0, 1, 2].map(
        (j) => (matrix[j]! * p[0]! + matrix[3 + j]! * p[1]! + matrix[6 + j]! * p[2]! + last) / 2,
      );
      for (let c = 0; c < CHANNELS; c++) {
        indices.push((g * size ** 3 + voxel) * CHANNELS + c);
        values.push(x[((from[2]! * size + from[1]!) * size + from[0]!) * CHANNELS + c]!);
      }
    }
  });
  return [{ output: "y", indices, values }];
}
