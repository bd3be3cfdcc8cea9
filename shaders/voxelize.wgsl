// Voxel grids of molecules: occupancy of channel c = 1 - product over its atoms of (1 - V), with
// V = exp(-d^2 / (0.93 * 0.5 A)^2) up to d = 1.25 A and 0 beyond, d from the voxel's centre (i - (D-1)/2) * resolution
// to the atom at R atom + shift.
// Bindings: atoms [A] of (x, y, z, channel), Angstrom, channel as f32; offsets [M + 1], molecule m owns atoms
// offsets[m] to offsets[m+1] - 1; molecules [N]; poses [N, 12] as samplePose makes them; y [N, D, D, D, E].
// An atom whose channel is none of 0 .. E-1 matches no accumulator and so adds nothing.
// One thread makes a run of RUN voxels along x, in all E channels, so that each atom is loaded once for RUN * E
// numbers. Constants: E (1 to 8), RUN. Dispatch: threads1d(samples * D * D * runs); runs = ceil(D / RUN).
#import thread

const CUTOFF = 1.25f;
const INVERSE_WIDTH_SQUARED = f32(1.0 / (0.93 * 0.5 * 0.93 * 0.5));

struct Params {
  samples: u32,
  size: u32,
  runs: u32,
  resolution: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> atoms: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> molecules: array<u32>;
@group(0) @binding(4) var<storage, read> poses: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let row = index / params.runs;
  let plane = row / params.size;
  let n = plane / params.size;
  if (n >= params.samples) {
    return;
  }
  let first = (index - row * params.runs) * u32(RUN);
  let voxel = vec3<u32>(first, row - plane * params.size, plane - n * params.size);
  let centre = (vec3<f32>(voxel) - 0.5 * f32(params.size - 1u)) * params.resolution;
  let p0 = poses[n * 3u];
  let p1 = poses[n * 3u + 1u];
  let p2 = poses[n * 3u + 2u];
  let row_x = vec3<f32>(p0.x, p0.y, p0.z);
  let row_y = vec3<f32>(p0.w, p1.x, p1.y);
  let row_z = vec3<f32>(p1.z, p1.w, p2.x);
  let origin = centre - vec3<f32>(p2.y, p2.z, p2.w);
  let molecule = molecules[n];
  let end = offsets[molecule + 1u];
  let reach = f32(RUN - 1) * params.resolution;
#for v in 0..RUN
#for c in 0..E
  var empty_${v}_${c} = 1.0f;
#endfor
#endfor

  for (var a = offsets[molecule]; a < end; a++) {
    let atom = atoms[a];
    let d = origin - vec3<f32>(dot(row_x, atom.xyz), dot(row_y, atom.xyz), dot(row_z, atom.xyz));
    let across = d.y * d.y + d.z * d.z;
    if (across > CUTOFF * CUTOFF || d.x > CUTOFF || d.x + reach < -CUTOFF) {
      continue;
    }
#for v in 0..RUN
    {
      let along = d.x + ${v}.0 * params.resolution;
      let squared = across + along * along;
      let density = select(0.0, exp(-squared * INVERSE_WIDTH_SQUARED), squared <= CUTOFF * CUTOFF);
#for c in 0..E
      empty_${v}_${c} *= 1.0 - select(0.0, density, atom.w == ${c}.0);
#endfor
    }
#endfor
  }

  let at = (row * params.size + first) * u32(E);
#for v in 0..RUN
  if (first + ${v}u < params.size) {
#for c in 0..E
    y[at + ${v * E + c}u] = 1.0 - empty_${v}_${c};
#endfor
  }
#endfor
}
