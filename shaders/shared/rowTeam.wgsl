// Rows of a matrix that teams of TEAM invocations share: an invocation takes every TEAM-th column of its row, and the
// team adds up what its members have. A workgroup has WORKGROUP / TEAM rows.
//
// Constants: WORKGROUP, a multiple of TEAM; a team of 1 needs no workgroup memory.
// Dispatch: workgroups1d(ceil(rows TEAM / WORKGROUP)). All invocations of a workgroup call team_sum, those of rows
// beyond the last too.
#import thread
#import total

#if TEAM > 1
var<workgroup> team_parts: array<f32, WORKGROUP>;
#endif

// The sum of the numbers of a team's members, in their order.
fn team_sum(part: Real, lane: u32) -> f32 {
#if TEAM > 1
  team_parts[lane] = total(part);
  workgroupBarrier();
  let first = lane - lane % TEAM;
  var sum = 0.0;
  for (var i = 0u; i < TEAM; i++) {
    sum += team_parts[first + i];
  }
  workgroupBarrier();
  return sum;
#else
  return total(part);
#endif
}
