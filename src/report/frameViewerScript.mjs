// Turns structures of `data-scene` (src/frames/frameScene.ts) in 3D. Without WebGL the picture stays that it stands on.
import {
  AmbientLight,
  BufferGeometry,
  Color,
  ConeGeometry,
  CylinderGeometry,
  DirectionalLight,
  Float32BufferAttribute,
  Group,
  InstancedMesh,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  MeshLambertMaterial,
  OrthographicCamera,
  Quaternion,
  Scene,
  SphereGeometry,
  Vector3,
  WebGLRenderer,
} from "three";

const STEP = Math.PI / 18;
const Y = new Vector3(0, 1, 0);
/** Names on more atoms would hide them. */
const NAMED = 60;
const [BOND, SHAFT, HEAD] = [0.09, 0.065, 0.17];

for (const box of document.querySelectorAll("[data-scene]")) start(box);

function start(box) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", { alpha: true, antialias: true });
  if (!context) return;
  const renderer = new WebGLRenderer({ canvas, context, alpha: true, antialias: true });
  const { atoms, bonds, edges, arrows, reach } = JSON.parse(box.dataset.scene);
  const scene = new Scene();
  const turning = new Group();
  const camera = new OrthographicCamera(-1, 1, 1, -1, -20 * reach, 20 * reach);
  const light = new DirectionalLight(0xffffff, 2.2);
  light.position.set(-0.4, 0.7, 1);
  scene.add(turning, new AmbientLight(0xffffff, 1.4), light);

  const places = atoms.map(([x, y, z]) => new Vector3(x, y, z));
  const colours = atoms.map((atom) => new Color(atom[4]));
  const spheres = instances(new SphereGeometry(1, 28, 20), atoms.length);
  atoms.forEach((atom, i) => {
    const size = new Vector3(atom[3], atom[3], atom[3]);
    spheres.setMatrixAt(i, new Matrix4().compose(places[i], new Quaternion(), size));
    spheres.setColorAt(i, colours[i]);
  });
  const halves = bonds.flatMap(([i, j]) => {
    const middle = places[i].clone().add(places[j]).multiplyScalar(0.5);
    return [
      [places[i], middle, colours[i]],
      [places[j], middle, colours[j]],
    ];
  });
  turning.add(spheres, sticks(halves, BOND));
  const edgeColour = new LineBasicMaterial();
  const lines = new BufferGeometry().setAttribute("position", new Float32BufferAttribute(edges.flat(), 3));
  turning.add(new LineSegments(lines, edgeColour));

  const ends = arrows.map(([x, y, z, dx, dy, dz]) => [new Vector3(x, y, z), new Vector3(dx, dy, dz)]);
  const colour = new Color();
  const headOf = (vector) => Math.min(0.34, 0.6 * vector.length());
  const shafts = ends.map(([from, vector]) => {
    const length = vector.length() - headOf(vector);
    return [from, from.clone().addScaledVector(vector.clone().normalize(), length), colour];
  });
  // Whole, and faint where something is before them.
  const arrowMeshes = [{}, { transparent: true, opacity: 0.3, depthTest: false, depthWrite: false }].flatMap((look) => {
    const heads = instances(new ConeGeometry(1, 1, 20).translate(0, 0.5, 0), ends.length, look);
    ends.forEach(([, vector], i) => {
      const head = headOf(vector);
      const turn = new Quaternion().setFromUnitVectors(Y, vector.clone().normalize());
      const width = (HEAD * head) / 0.34;
      heads.setMatrixAt(i, new Matrix4().compose(shafts[i][1], turn, new Vector3(width, head, width)));
    });
    return [sticks(shafts, SHAFT, look), heads];
  });
  turning.add(...arrowMeshes);

  const names = (atoms.length <= NAMED ? atoms : []).map((atom) => {
    const name = document.createElement("span");
    name.textContent = atom[5];
    name.className = atom[6];
    name.ariaHidden = "true";
    return name;
  });
  let zoom = 1;
  let waiting = false;
  const home = new Quaternion();

  const draw = () => {
    waiting = false;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0 || height === 0) return;
    renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    renderer.setSize(width, height, false);
    const half = reach / zoom;
    const [across, up] = width > height ? [(half * width) / height, half] : [half, (half * height) / width];
    Object.assign(camera, { left: -across, right: across, top: up, bottom: -up });
    camera.updateProjectionMatrix();
    renderer.render(scene, camera);
    const place = new Vector3();
    names.forEach((name, i) => {
      place.copy(places[i]).applyQuaternion(turning.quaternion);
      const [x, y] = [(place.x / across + 1) / 2, (1 - place.y / up) / 2];
      name.style.transform = `translate(${x * width}px,${y * height}px) translate(-50%,-50%)`;
      // What stands in front hides what is behind it.
      const hidden = places.some((other, j) => {
        if (j === i) return false;
        const at = other.clone().applyQuaternion(turning.quaternion);
        return at.z > place.z && Math.hypot(at.x - place.x, at.y - place.y) < atoms[j][3];
      });
      name.hidden = hidden;
    });
  };
  const redraw = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  const recolour = () => {
    const style = getComputedStyle(box);
    const read = (name) => new Color(style.getPropertyValue(name).trim());
    for (const mesh of arrowMeshes) {
      ends.forEach((_, i) => mesh.setColorAt(i, read("--mean")));
      if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true;
    }
    edgeColour.color = read("--soft");
    redraw();
  };
  const turn = (x, y) => {
    const about = new Quaternion().setFromAxisAngle(new Vector3(x, y, 0).normalize(), Math.hypot(x, y));
    if (x !== 0 || y !== 0) turning.quaternion.premultiply(about);
    redraw();
  };
  const scale = (factor) => {
    zoom = Math.min(8, Math.max(0.5, zoom * factor));
    redraw();
  };
  const reset = () => {
    turning.quaternion.copy(home);
    zoom = 1;
    redraw();
  };
  const moves = {
    ArrowLeft: () => turn(0, -STEP),
    ArrowRight: () => turn(0, STEP),
    ArrowUp: () => turn(-STEP, 0),
    ArrowDown: () => turn(STEP, 0),
    "+": () => scale(1.2),
    "=": () => scale(1.2),
    "-": () => scale(1 / 1.2),
    Home: reset,
    0: reset,
  };

  const stage = box.querySelector(".stage");
  stage.append(canvas, ...names);
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-roledescription", "3D picture");
  stage.setAttribute("aria-label", box.dataset.label);
  box.classList.add("turnable");
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  });
  for (const button of box.querySelectorAll("button")) button.addEventListener("click", moves[button.value]);
  let last = null;
  stage.addEventListener("pointerdown", (event) => {
    last = [event.clientX, event.clientY];
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!last) return;
    const pace = Math.PI / Math.min(canvas.clientWidth, canvas.clientHeight);
    turn((event.clientY - last[1]) * pace, (event.clientX - last[0]) * pace);
    last = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => (last = null));
  // With Ctrl, as pinching comes too: the wheel alone moves the page.
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      scale(Math.exp(-event.deltaY / 300));
    },
    { passive: false },
  );
  // Without a context the picture is there that does not turn.
  canvas.addEventListener("webglcontextlost", () => box.classList.remove("turnable"));
  canvas.addEventListener("webglcontextrestored", () => {
    box.classList.add("turnable");
    redraw();
  });
  new ResizeObserver(redraw).observe(stage);
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", recolour);
  recolour();
}

function instances(geometry, count, look = {}) {
  return new InstancedMesh(geometry, new MeshLambertMaterial(look), count);
}

/** Cylinders from here to there. */
function sticks(all, radius, look) {
  const mesh = instances(new CylinderGeometry(1, 1, 1, 16), all.length, look);
  all.forEach(([from, to, colour], i) => {
    const along = to.clone().sub(from);
    const middle = from.clone().addScaledVector(along, 0.5);
    const length = along.length();
    const turn = new Quaternion().setFromUnitVectors(Y, along.normalize());
    mesh.setMatrixAt(i, new Matrix4().compose(middle, turn, new Vector3(radius, length, radius)));
    mesh.setColorAt(i, colour);
  });
  return mesh;
}
