/** The profile's script: a tooltip for everything with \`data-tip\`, and a flame that zooms into what is clicked. */
export const PROFILE_SCRIPT = `
let tip = null;
document.addEventListener("pointermove", (event) => {
  const target = event.target.closest ? event.target.closest("[data-tip]") : null;
  if (!target) {
    tip?.remove();
    tip = null;
    return;
  }
  tip ??= document.body.appendChild(document.createElement("div"));
  tip.className = "tip floating";
  tip.textContent = "";
  target.dataset.tip.split("\\n").forEach((line, i) => {
    tip.appendChild(document.createElement(i === 0 ? "b" : "div")).textContent = line;
  });
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18;
  const top = below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : below;
  tip.style.left = Math.max(left, 4) + "px";
  tip.style.top = Math.max(top, 4) + "px";
});
for (const flame of document.querySelectorAll(".flame")) {
  const bars = [...flame.querySelectorAll(".bar")];
  const zoom = (from, to, depth) => {
    for (const bar of bars) {
      const [a, b] = [Number(bar.dataset.from), Number(bar.dataset.to)];
      const above = Number(bar.dataset.depth) < depth && a <= from + 1e-6 && b >= to - 1e-6;
      const inside = a >= from - 1e-6 && b <= to + 1e-6;
      bar.hidden = !above && !inside;
      const left = above ? 0 : (a - from) / (to - from);
      const width = above ? 1 : (b - a) / (to - from);
      bar.style.left = 100 * left + "%";
      bar.style.width = 100 * width + "%";
      bar.classList.toggle("narrow", width * flame.clientWidth < 28);
    }
  };
  flame.addEventListener("click", (event) => {
    const bar = event.target.closest(".bar");
    if (bar) zoom(Number(bar.dataset.from), Number(bar.dataset.to), Number(bar.dataset.depth));
  });
  zoom(0, 1, 0);
}
`;
