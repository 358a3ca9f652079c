// What a page does by itself: asks for news, answers keys, copies numbers. Runs under `script-src 'self'`; nothing is
// evaluated. Every page can be read and every form be sent without it.
(() => {
  "use strict";

  const isTyping = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

  // ---- conditional polling: the server answers 304 while nothing has changed, and htmx then swaps nothing ----
  const polled = () => document.querySelectorAll("[data-poll-seconds]");

  function poll() {
    const now = Date.now();
    for (const element of polled()) {
      const due = (element.lastPoll ?? (element.lastPoll = now)) + Number(element.dataset.pollSeconds) * 1000;
      if (now < due || document.hidden || element.contains(document.activeElement?.closest("input, textarea, select"))) continue;
      element.lastPoll = now;
      htmx.trigger(element, "poll");
    }
  }

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    const etag = ctx.sourceElement.dataset.etag;
    if (etag) ctx.request.headers["If-None-Match"] = etag;
  });

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const etag = ctx.response.headers.get("ETag");
    if (etag && ctx.response.status === 200 && ctx.sourceElement.dataset.etag) ctx.sourceElement.dataset.etag = etag;
    // A failed poll or preview must never replace what is being read with an error page; the page says so instead.
    if (ctx.sourceElement.dataset.quietly === undefined) return;
    if (ctx.response.status >= 400) ctx.swap = "none";
    tell("out-of-date", ctx.response.status >= 500);
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (ctx?.sourceElement.dataset.quietly !== undefined) tell("out-of-date", true);
  });

  function tell(id, isSo) {
    const notice = document.getElementById(id);
    if (notice) notice.hidden = !isSo;
  }

  // ---- a page that does not come within a second: until then nothing, then a sentence. Of a file that was fetched
  // instead nothing is heard, so that it goes away again ----
  const WAIT_MS = 1000, GONE_MS = 20_000;
  let waiting, gone, isOther = false;
  // A number to dial, or an address to write to, leads to another program, and the page stays.
  document.addEventListener("click", ({ target }) => { isOther = target.closest("a[href]")?.protocol.startsWith("http") === false; });
  window.addEventListener("beforeunload", () => {
    if (isOther) return;
    waiting = setTimeout(tell, WAIT_MS, "waiting", true);
    gone = setTimeout(tell, GONE_MS, "waiting", false);
  });

  // What is being typed, or was unfolded to be read, is left as it is until it is sent or folded again: news come around it.
  // What was typed for something that has changed meanwhile is told so by the server.
  const leave = (element) => element?.closest("[data-poll-seconds] section")?.setAttribute("hx-morph-skip", "");
  document.addEventListener("input", ({ target }) => leave(target.closest("form")));
  document.addEventListener("toggle", ({ target }) => {
    if (!(target instanceof HTMLDetailsElement)) return;
    if (target.open) leave(target);
    else if (!target.querySelector("form")) target.closest("[hx-morph-skip]")?.removeAttribute("hx-morph-skip");
  }, true);

  // ---- keys: never inside a field, never with a modifier, and single ones can be switched off (WCAG 2.1.4) ----
  const keys = {
    "/": () => document.querySelector("[data-key-search]"),
    "n": () => document.querySelector("[data-key-report]"),
    "j": () => step(1),
    "k": () => step(-1),
    "x": () => document.activeElement.closest("[data-row]")?.querySelector("input[type=checkbox]"),
    "?": () => document.querySelector("[data-keys]"),
  };
  const SINGLE_KEYS_OFF = "single-keys-off";
  const areSingleKeysOff = () => document.body.dataset.singleKeys === "off" || localStorage.getItem(SINGLE_KEYS_OFF) !== null;

  function step(by) {
    const links = [...document.querySelectorAll("[data-row] h3 a, [data-row] th a")];
    const row = document.activeElement.closest("[data-row]");
    const at = links.findIndex((link) => row !== null && link.closest("[data-row]") === row);
    return links[Math.min(Math.max(at + by, 0), links.length - 1)];
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form[data-key-send]");
      form?.requestSubmit(form.querySelector("button[type=submit]"));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || areSingleKeysOff()) return;
    const target = keys[event.key]?.();
    if (!target) return;
    event.preventDefault();
    if (target.matches("[data-key-report], [data-keys], input[type=checkbox]")) target.click();
    else target.focus();
  });

  // ---- pills beside a select of the rest: choosing the one clears the other ----
  document.addEventListener("change", ({ target }) => {
    const choice = target.closest("[data-choice]");
    if (!choice) return;
    if (target.matches("select")) {
      if (target.value) for (const pill of choice.querySelectorAll("input:checked")) pill.checked = false;
    } else {
      const rest = choice.querySelector("select");
      if (rest) rest.value = "";
    }
  });

  // ---- a form is sent once: its button says so and keeps its width; going back makes it whole again ----
  const sent = new Map();
  document.addEventListener("submit", ({ target, submitter, defaultPrevented }) => {
    if (defaultPrevented || target.method !== "post" || !submitter?.dataset.sending) return;
    sent.set(submitter, [...submitter.childNodes]);
    submitter.style.minWidth = `${submitter.offsetWidth}px`;
    submitter.setAttribute("aria-disabled", "true");
    setTimeout(() => { submitter.disabled = true; submitter.replaceChildren(submitter.dataset.sending); });
  });

  window.addEventListener("pageshow", () => {
    clearTimeout(waiting);
    clearTimeout(gone);
    tell("waiting", false);
    for (const [button, children] of sent) {
      button.disabled = false;
      button.removeAttribute("aria-disabled");
      button.replaceChildren(...children);
    }
    sent.clear();
  });

  // ---- a session about to end: it says so two minutes before, and what was typed stays (WCAG 2.2.1) ----
  const WARNING_MS = 120_000;
  let sessionEnds = Infinity;

  function prolong() {
    const notice = document.getElementById("session-ends");
    if (notice) sessionEnds = Date.now() + Number(notice.dataset.seconds) * 1000;
  }

  function watchSession() {
    const notice = document.getElementById("session-ends");
    if (!notice) return;
    const left = sessionEnds - Date.now();
    notice.querySelector("[data-soon]").hidden = left <= 0;
    notice.querySelector("[data-over]").hidden = left > 0;
    notice.hidden = left > WARNING_MS;
  }

  async function stay({ currentTarget }) {
    const answer = await fetch(currentTarget.dataset.stay, { method: "HEAD", redirect: "manual" });
    if (answer.ok) prolong();
    watchSession();
  }

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => { if (ctx.response.status < 400) prolong(); });

  // ---- the rooms behind "More" go away by Escape and by a press beside them ----
  document.addEventListener("click", ({ target }) => {
    for (const open of document.querySelectorAll("details.beyond[open]")) if (!open.contains(target)) open.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    const open = key === "Escape" && document.querySelector("details.beyond[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // ---- what remembers something on the page: Alpine components, named in the templates by x-data ----
  document.addEventListener("alpine:init", () => {
    Alpine.data("copy", () => ({
      isDone: false,
      async run() {
        await navigator.clipboard.writeText(this.$el.dataset.value);
        this.isDone = true;
        setTimeout(() => { this.isDone = false; }, 2000);
      },
    }));
    Alpine.data("timeline", () => ({
      who: "all",
      choose() { this.who = this.$el.dataset.who; },
      get isChosen() { return String(this.$el.dataset.who === this.who); },
      get isShown() { return this.who === "all" || this.$el.dataset.who === this.who; },
    }));
    Alpine.data("toast", () => ({
      isHere: true,
      isHeld: false,
      init() { if (this.$el.dataset.stays === undefined) this.wait(); },
      wait() { setTimeout(() => { if (this.isHeld) this.wait(); else this.isHere = false; }, 8000); },
      hold() { this.isHeld = true; },
      release() { this.isHeld = false; },
      close() { this.isHere = false; },
    }));
  });

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("[data-focus]")?.focus();
    document.querySelector("[data-keys]")?.addEventListener("click", () => document.getElementById("keys").showModal());
    const single = document.getElementById("single-keys");
    if (single) {
      single.checked = !localStorage.getItem(SINGLE_KEYS_OFF);
      single.addEventListener("change", () => {
        if (single.checked) localStorage.removeItem(SINGLE_KEYS_OFF);
        else localStorage.setItem(SINGLE_KEYS_OFF, "1");
      });
    }
    // The server writes times as the reader's clock shows them, and learns at sign-in which clock that is.
    const zone = document.querySelector("[data-zone]");
    if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
    prolong();
    document.querySelector("[data-stay]")?.addEventListener("click", stay);
    setInterval(() => { poll(); watchSession(); }, 1000);
  });
})();
