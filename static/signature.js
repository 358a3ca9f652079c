// A signature that is drawn with a finger, a pen or the mouse becomes lines of whole numbers on a field of 600 by 200.
(() => {
  "use strict";

  const WIDTH = 600, HEIGHT = 200, MOST = 19000;

  function begin(pad) {
    const path = pad.querySelector("path"), input = pad.querySelector("input");
    let strokes = input.value, isDown = false, last = "";

    const at = (event) => {
      const box = pad.getBoundingClientRect();
      const on = (part, most) => Math.min(most, Math.max(0, Math.round(part * most)));
      return `${on((event.clientX - box.left) / box.width, WIDTH)} ${on((event.clientY - box.top) / box.height, HEIGHT)}`;
    };
    const show = () => { path.setAttribute("d", strokes); input.value = strokes; };
    pad.addEventListener("pointerdown", (event) => {
      isDown = true;
      pad.setPointerCapture(event.pointerId);
      last = at(event);
      strokes += `M${last}L${last}`;
      show();
    });
    pad.addEventListener("pointermove", (event) => {
      const here = at(event);
      if (!isDown || here === last || strokes.length > MOST) return;
      last = here;
      strokes += `L${here}`;
      show();
    });
    for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { isDown = false; });
    document.querySelector("[data-signature-clear]").addEventListener("click", () => { strokes = ""; show(); });
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-signature]").forEach(begin));
})();
