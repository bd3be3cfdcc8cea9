// Copies channels of every voxel from one channels-last tensor to another, once or several times side by side:
//
//   destination[v, targetFirst + z columns + c] = source[v, sourceFirst + c],  0 <= c < columns.
// source       [V, sourceWidth]; widths, first columns and the number of columns in Reals
// destination  [V, targetWidth]
// VEC4: all channel counts are multiples of 4. X_F16, Y_F16: source, destination are stored in half precision.
// Dispatch: x, y: threads1d(total), total = ceil(V / RUN) * columns; z: copies. A thread copies one column of RUN
// voxels.
#import thread
#import storagePair

struct Params {
  voxels: u32,
  columns: u32,
  sourceWidth: u32,
  sourceFirst: u32,
  targetWidth: u32,
  targetFirst: u32,
  total: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<StoredX>;
@group(0) @binding(2) var<storage, read_write> destination: array<StoredY>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_thread(wid, num, lane);
  if (thread >= params.total) {
    return;
  }
  let block = thread / params.columns;
  let column = thread - block * params.columns;
  let first = block * RUN;
  var from_at = first * params.sourceWidth + params.sourceFirst + column;
  var to_at = first * params.targetWidth + params.targetFirst + wid.z * params.columns + column;
  for (var left = min(RUN, params.voxels - first); left > 0u; left--) {
    destination[to_at] = StoredY(Real(source[from_at]));
    from_at += params.sourceWidth;
    to_at += params.targetWidth;
  }
}
