// Where a row of `columns` numbers begins: `groups` of them lie side by side in what is `pitch` long, from `offset` on.
// Whole rows have one group, a pitch of `columns` and no offset. All are counted in Reals.
fn row_begin(row: u32) -> u32 {
  return row / params.groups * params.pitch + params.offset + row % params.groups * params.columns;
}
