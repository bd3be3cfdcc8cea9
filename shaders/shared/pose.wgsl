// A row of poses [N, 12], as samplePose makes them: nine entries of an active rotation, row major, then a shift.
struct Pose {
  first: vec4<f32>,
  second: vec4<f32>,
  third: vec4<f32>,
}

fn rotated(pose: Pose, x: vec3<f32>) -> vec3<f32> {
  return vec3<f32>(
    dot(pose.first.xyz, x),
    dot(vec3<f32>(pose.first.w, pose.second.xy), x),
    dot(vec3<f32>(pose.second.zw, pose.third.x), x),
  );
}

fn shift_of(pose: Pose) -> vec3<f32> {
  return pose.third.yzw;
}
