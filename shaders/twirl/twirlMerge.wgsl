// Running mean and M2 (sum of squared deviations from the mean) of twisted predictions, per voxel and channel.
//   f_k(p) = (T_k^-1 predictions[n * K + k])(p) = predictions[n * K + k](T_k p)
// is read where it lies and never stored. Welford's update (Technometrics 1962) over k, going on from `merged` values
// already in mean and m2; with merged = 0 both begin at zero and are not read.
//   REDUCE: the set is complete. m2 is not written; the sums over voxels and channels |mean - target|^2, M2, |target|^2
//   are added up instead, by thread, for twirlSum.wgsl. Without TARGET the first and the last are 0.
// Bindings: rotations [K], elements of the octahedral group; predictions [N * K, D, D, D, C], sample-major;
// mean, m2, targetGrid [N, D, D, D, C]; partial [N, threads] of (the three sums, 0). REDUCE without CONTINUE has no m2.
// A thread takes one Real of channels of RUN voxels of a line along x, `apart` voxels from each other: a rotation
// carries them to voxels at one stride. Neighbouring threads take neighbouring channels, then voxels, and `apart` of
// these cover a block of the line. A line holds columns = D / RUN runs. VEC4: C is a multiple of 4 and `channels`
// counts groups of four.
// EXACT: there is no thread too many, so none returns early: a software adapter masks all that follows, at a fifth of
// the time. A loop over several runs costs as much there.
// Constants: RUN, a divisor of D; VEC4; EXACT; CONTINUE (merged > 0); REDUCE, TARGET; WORKGROUP.
// Dispatch: threads1d(N * threads); threads = runs * channels, runs = D^3 / RUN.
#import thread
#import total
#import voxels
#import octahedral

struct Params {
  samples: u32,
  rotations: u32,
  size: u32,
  channels: u32,
  merged: u32,
  columns: u32,
  apart: u32,
  runs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<u32>;
@group(0) @binding(2) var<storage, read> predictions: array<Real>;
@group(0) @binding(3) var<storage, read_write> mean: array<Real>;
#if defined(CONTINUE) || !defined(REDUCE)
@group(0) @binding(4) var<storage, read_write> m2: array<Real>;
#endif
#ifdef REDUCE
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>;
#ifdef TARGET
@group(0) @binding(6) var<storage, read> targetGrid: array<Real>;
#endif
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let place = index / params.channels;
  let channel = index - place * params.channels;
  let n = place / params.runs;
#ifndef EXACT
  if (n >= params.samples) {
    return;
  }
#endif
  let size = params.size;
  let voxels = size * size * size;
  let run = place - n * params.runs;
  let line = run / params.columns;
  let column = run - line * params.columns;
  let block = column / params.apart;
  let x = block * (u32(RUN) - 1u) * params.apart + column;
  let z = line / size;
  let steps = half_steps(vec3<u32>(x, line - z * size, z), size);
  let home = (n * voxels + line * size + x) * params.channels + channel;
  let home_stride = params.apart * params.channels;
#for v in 0..RUN
#ifdef CONTINUE
  var mean_${v} = mean[home + ${v}u * home_stride];
  var m2_${v} = m2[home + ${v}u * home_stride];
#else
  var mean_${v} = Real(0.0);
  var m2_${v} = Real(0.0);
#endif
#endfor
  for (var k = 0u; k < params.rotations; k++) {
    let turned = octahedral_rows(rotations[k]);
    let source = from_half_steps(octahedral_apply(turned, steps), size);
    let grid = (n * params.rotations + k) * voxels;
    let at_0 = i32((grid + voxel_index(source, size)) * params.channels + channel);
    // The image of a step along x.
    let ahead = (turned.z.x * i32(size) + turned.y.x) * i32(size) + turned.x.x;
    let stride = ahead * i32(home_stride);
#for v in 1..RUN
    let at_${v} = at_${v - 1} + stride;
#endfor
    let share = 1.0 / f32(params.merged + k + 1u);
#for v in 0..RUN
    {
      let value = predictions[at_${v}];
      let before = value - mean_${v};
      mean_${v} += before * share;
      m2_${v} += before * (value - mean_${v});
    }
#endfor
  }
#ifdef REDUCE
  var sums = vec4<f32>(0.0);
#endif
#for v in 0..RUN
  mean[home + ${v}u * home_stride] = mean_${v};
#if defined(REDUCE) && defined(TARGET)
  {
    let wanted = targetGrid[home + ${v}u * home_stride];
    let off = mean_${v} - wanted;
    sums += vec4<f32>(total(off * off), total(m2_${v}), total(wanted * wanted), 0.0);
  }
#elif defined(REDUCE)
  sums.y += total(m2_${v});
#else
  m2[home + ${v}u * home_stride] = m2_${v};
#endif
#endfor
#ifdef REDUCE
  partial[index] = sums;
#endif
}
