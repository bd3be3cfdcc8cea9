#import real

// What a Real of a pair's columns is multiplied with for one of the dispatch's heads.
fn of_matrix(column: u32, head: u32) -> Real {
  let at = params.firstHead + head;
#ifdef VEC4
  let first = 4u * column * params.heads + at;
  return vec4<f32>(
    matrix[first], matrix[first + params.heads], matrix[first + 2u * params.heads], matrix[first + 3u * params.heads]);
#else
  return matrix[column * params.heads + at];
#endif
}
