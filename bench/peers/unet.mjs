// The topology of case U (../unetU.ts) for an engine given as `layers`:
//
//   conv(name, x, kernel, stride), convTranspose(name, x), normSilu(name, x), concat(x, skip), add(a, b)
//
// with parameters under `${name}.weight` and `${name}.bias`. `has(name)` tells whether there is such a parameter.

export function unetU(layers, has, input) {
  const block = (name, x) => {
    const h = layers.conv(`${name}.conv1`, layers.normSilu(`${name}.norm1`, x), 3, 1);
    const y = layers.conv(`${name}.conv2`, layers.normSilu(`${name}.norm2`, h), 3, 1);
    return layers.add(y, has(`${name}.shortcut.weight`) ? layers.conv(`${name}.shortcut`, x, 1, 1) : x);
  };
  let levels = 0;
  while (has(`down${levels}.block0.conv1.weight`)) levels++;

  let x = layers.conv("stem", input, 3, 1);
  const skips = [];
  for (let level = 0; level < levels; level++) {
    const first = block(`down${level}.block0`, x);
    x = block(`down${level}.block1`, first);
    skips.push([first, x]);
    if (level < levels - 1) x = layers.conv(`down${level}.sample`, x, 3, 2);
  }
  x = block("middle.block1", block("middle.block0", x));
  for (let level = levels - 1; level >= 0; level--) {
    const [first, second] = skips[level];
    x = block(`up${level}.block0`, layers.concat(x, second));
    x = block(`up${level}.block1`, layers.concat(x, first));
    if (level > 0) x = layers.convTranspose(`up${level}.sample`, x);
  }
  return layers.conv("head.conv", layers.normSilu("head.norm", x), 3, 1);
}

/** Groups of the group norms of case U. */
export const UNET_GROUPS = 16;
export const NORM_EPS = 1e-5;
