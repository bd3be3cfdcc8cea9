/**
 * The report's only script: a tooltip and a cursor line on each chart, by pointer, touch or arrow keys. It reads the
 * pixel positions and ready-made texts in `data-hover` and sets text content only. The charts read without it.
 */
export const SCRIPT = `
for (const chart of document.querySelectorAll("[data-hover]")) {
  const points = JSON.parse(chart.dataset.hover);
  const svg = chart.querySelector("svg");
  const cursor = chart.querySelector(".cursor");
  let tip = null;
  let at = points.length - 1;
  const add = (parent, name, text) => {
    const element = parent.appendChild(document.createElement(name));
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const show = (index) => {
    at = Math.min(points.length - 1, Math.max(0, index));
    const [x, title, lines] = points[at];
    cursor.setAttribute("transform", "translate(" + x + " 0)");
    cursor.setAttribute("visibility", "visible");
    tip ??= add(chart, "div");
    tip.className = "tip";
    tip.setAttribute("role", "status");
    tip.textContent = "";
    add(tip, "b", title);
    for (const [key, name, text] of lines) {
      const line = add(tip, "div");
      line.className = key;
      add(line, "i");
      add(line, "span", name);
      add(line, "span", text);
    }
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const isRight = x > svg.viewBox.baseVal.width / 2;
    tip.style.left = x * scale + (isRight ? -14 - tip.offsetWidth : 14) + "px";
    tip.style.top = 70 * scale + "px";
  };
  const hide = () => {
    cursor.setAttribute("visibility", "hidden");
    tip?.remove();
    tip = null;
  };
  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    let best = 0;
    points.forEach((point, i) => {
      if (Math.abs(point[0] - x) < Math.abs(points[best][0] - x)) best = i;
    });
    show(best);
  };
  chart.addEventListener("pointermove", follow);
  chart.addEventListener("pointerdown", follow);
  chart.addEventListener("pointerleave", hide);
  chart.addEventListener("blur", hide);
  chart.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: points.length - 1 };
    if (event.key === "Escape") return hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(tip ? moves[event.key] : at);
  });
}
`;
