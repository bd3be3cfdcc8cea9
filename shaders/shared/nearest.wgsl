// How far the nearest atoms around one reach, as many as there are slots, where there are more up to a limit. The
// shader has the struct Around and `count_within(around, limit)`, neighbours whose squares' bits are up to `limit`.
//
// `below` and `upto` are bits of squares between which the one in place `slots` lies. A square in between, where it
// would be were the others evenly spread or halfway of the bits, is put in place of one of them, until no more than
// `most` lie up to `upto`, or only ties are in between.
#import separation

// Neighbours up to `below` are among the nearest, and `ties` of those above it up to `upto`; up to there `reached` are.
struct Nearest { below: u32, upto: u32, ties: u32, reached: u32 }

// `total`: those up to `limit`, more than slots. `most`: slots or more.
fn nearest(around: Around, slots: u32, most: u32, limit: u32, total: u32) -> Nearest {
  var below = APART;
  var nearer = 0u;
  var upto = limit;
  var reached = total;
  // Were they spread evenly in space, as many as slots would lie up to there.
  let share = (f32(slots) + 0.5) / f32(total);
  var guess = bitcast<u32>(bitcast<f32>(limit) * pow(share, 2.0 / 3.0));
  for (var halve = true; reached > most && upto - below > 1u; halve = !halve) {
    let middle = clamp(guess, below + 1u, upto - 1u);
    let count = count_within(around, middle);
    if (count < slots) {
      below = middle;
      nearer = count;
    } else {
      upto = middle;
      reached = count;
    }
    let near = bitcast<f32>(below);
    let part = (f32(slots - nearer) + 0.5) / f32(reached - nearer + 1u);
    guess = select(bitcast<u32>(near + part * (bitcast<f32>(upto) - near)), below + (upto - below) / 2u, halve);
  }
  return Nearest(below, upto, slots - nearer, reached);
}
