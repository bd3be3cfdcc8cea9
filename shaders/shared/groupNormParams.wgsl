#import groupNormRun

// The sizes of group norm's passes over the voxels.
struct Params {
  samples: u32,
  voxels: u32,
  columns: u32,
  runs: u32,
  runLength: u32,
  groups: u32,
  groupWidth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
