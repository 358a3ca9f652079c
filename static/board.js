// Of the board and of the list of units: rows are selected by mouse or with x (see app.js), the bar over the foot counts them, and nothing is taken out from
// under a selection. Without it rows are selected and sent all the same.
(() => {
  "use strict";

  const live = () => document.getElementById("live");
  const bar = () => document.querySelector("[data-bulk]");
  const boxes = () => [...document.querySelectorAll('input[name="row"]')];

  function count() {
    const form = bar();
    if (!form) return;
    const chosen = boxes().filter((box) => box.checked).length;
    const isAll = Boolean(form.querySelector("[data-bulk-all]")?.checked);
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

  document.addEventListener("htmx:after:swap", count);
  window.addEventListener("pageshow", count);
  document.addEventListener("DOMContentLoaded", () => {
    count();
    document.querySelector("form[data-goes-on]")?.requestSubmit();
  });
})();
