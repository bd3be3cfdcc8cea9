#import groupNormRun

// Mean and 1 / standard deviation of the group of each channel of a column. The shader has `stats`, [N, groups].
struct ChannelStats {
  mean: Real,
  rstd: Real,
}

fn stats_of(sample: u32, column: u32) -> ChannelStats {
  let first = sample * params.groups;
#ifdef VEC4
#for i in 0..4
  let s_${i} = stats[first + group_of(column, ${i}u)];
#endfor
  return ChannelStats(vec4<f32>(s_0.x, s_1.x, s_2.x, s_3.x), vec4<f32>(s_0.y, s_1.y, s_2.y, s_3.y));
#else
  let s = stats[first + group_of(column, 0u)];
  return ChannelStats(s.x, s.y);
#endif
}
