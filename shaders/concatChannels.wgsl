// Two channels-last tensors side by side, y = [a, b] along channels, or with SPLIT the other way round:
//
//   y[v, c] = a[v, c] for c < Ca, b[v, c - Ca] from there on.
// a [V, aWidth], b [V, bWidth], y [V, aWidth + bWidth]; widths in Reals.
// VEC4: all channel counts are multiples of 4. X_F16: a and b, Y_F16: y are stored in half precision. RUN: voxels of a
// thread. Dispatch: threads1d(total), total = ceil(V / RUN) * (aWidth + bWidth); a thread copies one
// column of RUN voxels, first those of a.
#import thread
#import storagePair

struct Params {
  voxels: u32,
  aWidth: u32,
  bWidth: u32,
  aThreads: u32,  // ceil(V / RUN) * aWidth
  total: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
#ifdef SPLIT
@group(0) @binding(1) var<storage, read_write> a: array<StoredX>;
@group(0) @binding(2) var<storage, read_write> b: array<StoredX>;
@group(0) @binding(3) var<storage, read> y: array<StoredY>;
#else
@group(0) @binding(1) var<storage, read> a: array<StoredX>;
@group(0) @binding(2) var<storage, read> b: array<StoredX>;
@group(0) @binding(3) var<storage, read_write> y: array<StoredY>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  if (index >= params.total) {
    return;
  }
  let is_b = index >= params.aThreads;
  let thread = index - select(0u, params.aThreads, is_b);
  let width = select(params.aWidth, params.bWidth, is_b);
  let block = thread / width;
  let column = thread - block * width;
  let first = block * RUN;
  let count = min(RUN, params.voxels - first);
  var part_at = first * width + column;
  let y_width = params.aWidth + params.bWidth;
  var y_at = first * y_width + column + select(0u, params.aWidth, is_b);
  // A loop for each, of no turns for the other's threads: adapters without jumps skip loops, not branches.
  for (var left = select(count, 0u, is_b); left > 0u; left--) {
#ifdef SPLIT
    a[part_at] = StoredX(Real(y[y_at]));
#else
    y[y_at] = StoredY(Real(a[part_at]));
#endif
    part_at += width;
    y_at += y_width;
  }
  for (var left = select(0u, count, is_b); left > 0u; left--) {
#ifdef SPLIT
    b[part_at] = StoredX(Real(y[y_at]));
#else
    y[y_at] = StoredY(Real(b[part_at]));
#endif
    part_at += width;
    y_at += y_width;
  }
}
