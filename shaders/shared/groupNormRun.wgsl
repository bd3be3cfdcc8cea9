#import unit

// What a thread of group norm's passes over the voxels takes: one column (one channel, or four with VEC4) of a run of
// runLength voxels. A sample of V voxels has `runs` of them, the last one shorter.
// The shader has `params` of voxels, columns, runs, runLength and groupWidth.
struct Run {
  sample: u32,
  column: u32,
  // Among the runs of all samples.
  index: u32,
  // The first element, and how many there are, `columns` apart.
  start: u32,
  count: u32,
}

fn run_of_sample(sample: u32, run: u32, column: u32) -> Run {
  // Beyond the last run there are no voxels.
  let first = min(run, params.runs) * params.runLength;
  let count = min(params.runLength, max(params.voxels, first) - first);
  let start = (sample * params.voxels + first) * params.columns + column;
  return Run(sample, column, sample * params.runs + run, start, count);
}

fn run_of_thread(thread: u32) -> Run {
  let index = thread / params.columns;
  let sample = index / params.runs;
  return run_of_sample(sample, index - sample * params.runs, thread - index * params.columns);
}

// Of a column's i-th channel, within its sample.
fn group_of(column: u32, i: u32) -> u32 {
  return (column * UNIT + i) / params.groupWidth;
}
