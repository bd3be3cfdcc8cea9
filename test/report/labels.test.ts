import { expect, test } from "vitest";
import { Random } from "../../src/random.ts";
import { boxAround, boxesAlong, drawLabel, placeLabels } from "../../src/report/labels.ts";

const area = { x: 84, y: 14, width: 812, height: 460 };

test("labels of crowded points cover neither each other nor the points while there is room", () => {
  const random = new Random(4);
  const points = Array.from({ length: 40 }, (_, i) => ({
    x: 300 + 300 * random.next(),
    y: 100 + 250 * random.next(),
    text: `gradWeight/${i}`,
  }));
  const boxes = placeLabels(points, area).map(({ box }) => box);
  boxes.forEach((a, i) => {
    expect(a.x).toBeGreaterThanOrEqual(area.x);
    expect(a.x + a.width).toBeLessThanOrEqual(area.x + area.width);
    for (const b of boxes.slice(i + 1)) {
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect(apart).toBe(true);
    }
    for (const { x, y } of points) {
      expect(x > a.x && x < a.x + a.width && y > a.y && y < a.y + a.height).toBe(false);
    }
  });
});

test("a name stands beside its circle, and says what it covers where all is taken", () => {
  const point = { x: 400, y: 200, text: "conv", radius: 30 };
  const [free] = placeLabels([point], area);
  expect(free!.covered).toBe(0);
  expect(free!.box.x).toBeGreaterThanOrEqual(430);
  expect(free!.box.x).toBeLessThan(436);
  const [crowded] = placeLabels([point], area, [area]);
  expect(crowded!.covered).toBeGreaterThan(100);
});

test("a name that had to go far has a leader, and one at the left ends at its box", () => {
  const label = { x: 400, y: 200, text: "a<b", covered: 0 };
  const near = drawLabel({ ...label, box: { x: 408, y: 193, width: 25, height: 14 } });
  expect(near).toBe('<text x="408" y="204">a&lt;b</text>');
  const far = drawLabel({ ...label, box: { x: 300, y: 193, width: 25, height: 14 } });
  expect(far).toBe('<path class="leader" d="M400 200L325 200"/><text x="325" y="204" text-anchor="end">a&lt;b</text>');
  expect(boxAround(10, 20, 3)).toEqual({ x: 7, y: 17, width: 6, height: 6 });
});

test("names keep off a line", () => {
  const line = boxesAlong({ x: 100, y: 400 }, { x: 500, y: 200 });
  for (const at of [0, 0.13, 0.5, 0.77, 1]) {
    const [x, y] = [100 + 400 * at, 400 - 200 * at];
    expect(line.some((box) => Math.abs(box.x + 7 - x) <= 7 && Math.abs(box.y + 4 - y) <= 4)).toBe(true);
  }
  const point = { x: 300, y: 302, text: "conv3d" };
  const [free] = placeLabels([point], area);
  expect(free!.box.y).toBe(295);
  const [label] = placeLabels([point], area, line);
  expect(label!.covered).toBe(0);
  expect(label!.box).not.toEqual(free!.box);
});
