// The board's own: rows are selected by mouse or with x, the bar over the foot counts them, and nothing is taken out from
// under a selection. Without it rows are selected and sent all the same.
(() => {
  "use strict";

  const SINGLE_KEYS_OFF = "single-keys-off"; // as app.js keeps it
  const live = () => document.getElementById("live");
  const bar = () => document.querySelector("[data-bulk]");
  const boxes = () => [...document.querySelectorAll('input[name="row"]')];

  function count() {
    const form = bar();
    if (!form) return;
    const chosen = boxes().filter((box) => box.checked).length;
    const isAll = form.querySelector("[data-bulk-all]").checked;
    const said = form.querySelector("[data-bulk-count]");
    said.textContent = isAll || !chosen ? "" : chosen === 1 ? said.dataset.one : said.dataset.many.replace("#", chosen);
    form.hidden = !chosen && !isAll;
    // A page that is being worked on is not written anew.
    const element = live();
    if (!element) return;
    element.dataset.seconds ??= element.dataset.pollSeconds;
    if (chosen || isAll) delete element.dataset.pollSeconds;
    else element.dataset.pollSeconds = element.dataset.seconds;
  }

  document.addEventListener("change", ({ target }) => {
    if (target.closest("[data-picks]")) target.form.requestSubmit();
    else if (target.name === "row" || target.matches("[data-bulk-all]")) count();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(SINGLE_KEYS_OFF)) return;
    if (event.target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable]')) return;
    const box = event.target.closest("[data-row]")?.querySelector('input[name="row"]');
    if (!box) return;
    event.preventDefault();
    box.click();
  });

  document.addEventListener("htmx:after:swap", count);
  window.addEventListener("pageshow", count);
  document.addEventListener("DOMContentLoaded", () => {
    count();
    document.querySelector("form[data-goes-on]")?.requestSubmit();
  });
})();
