// The report: keeps photos, and sends the form without losing anything of it. Without this
// script the form is typed, and sent as any other.
(() => {
  "use strict";

  const form = document.getElementById("report");
  const serial = form.elements.serial_number;
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  // ---- sending: the page stays, so that photos stay too; only where it leads is for the server to say ----
  let isSending = false;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isSending) send(event.submitter);
  });

  async function send(button) {
    isSending = true;
    const isStep = button?.hasAttribute("formaction") ?? false;
    const held = hold(isStep ? [button] : [...form.querySelectorAll("#why [type=submit]")]);
    try {
      await isReady;
      const answer = await post(isStep ? button.formAction : form.action, isStep, held.tell);
      if (answer.leads) {
        location.assign(answer.leads);
        return;
      }
      show(parsed(answer.text), isStep);
    } catch (err) {
      complain(err instanceof SignedOut ? form.dataset.signedOut : form.dataset.lost);
    }
    held.release();
    isSending = false;
  }

  async function post(url, isStep, tell) {
    const said = (withPhotos) => {
      const all = new FormData(form);
      if (!withPhotos) all.delete("photos");
      return all;
    };
    const hasPhotos = !isStep && form.elements.photos.files.length > 0;
    // A server that takes no photos from a stranger hangs up in the middle of them: a small request asks first.
    if (hasPhotos && isOld(await deliver(form.getAttribute("hx-post"), said(false)))) await renew();
    const answer = await deliver(url, said(hasPhotos), tell);
    if (!isOld(answer)) return answer;
    await renew();
    return deliver(url, said(hasPhotos), tell);
  }

  // `tell` hears how much has gone, between 0 and 1; no other way of asking tells that.
  function deliver(url, body, tell = () => {}) {
    return new Promise((done, failed) => {
      const asked = new XMLHttpRequest();
      asked.open("POST", url);
      asked.setRequestHeader("HX-Request", "true");
      asked.upload.addEventListener("progress", ({ loaded, total }) => { if (total > 1_000_000) tell(loaded / total); });
      asked.addEventListener("load", () => done({ status: asked.status, leads: asked.getResponseHeader("HX-Redirect"), text: asked.responseText }));
      asked.addEventListener("error", failed);
      asked.send(body);
    });
  }

  const isOld = (answer) => answer.status === 400 || answer.status === 401;

  function hold(buttons) {
    const labels = buttons.map((button) => button.textContent);
    for (const button of buttons) {
      button.style.minWidth = `${button.offsetWidth}px`;
      button.setAttribute("aria-disabled", "true");
      button.textContent = button.dataset.sending;
    }
    const tell = (share) => {
      for (const button of buttons) button.textContent = `${button.dataset.sending} ${Math.round(share * 100)} %`;
    };
    const release = () => {
      for (const [number, button] of buttons.entries()) {
        button.removeAttribute("aria-disabled");
        button.textContent = labels[number];
      }
    };
    return { tell, release };
  }

  // ---- the answer: what is wrong, beside each field; what the server knows of the unit by now ----
  function show(page, isStep) {
    const fresh = page.getElementById("report");
    if (!fresh) {  // an error's own page
      complain([...page.querySelectorAll("main h1, main h1 + p")].map((part) => part.textContent).join(". "));
      return;
    }
    document.title = page.title;
    adopt(page);
    for (const id of ["found", "why", "site", "products"]) {
      const place = document.getElementById(id);
      const kept = place.value;
      place.replaceChildren(...page.getElementById(id).childNodes);
      if (kept !== undefined && id === "site") place.value = kept;
    }
    htmx.process(form);
    for (const old of form.querySelectorAll(".err")) if (!old.closest("#found")) old.remove();
    for (const field of form.querySelectorAll("[id]")) mark(field, fresh.querySelector(`#${field.id}`));
    document.querySelector(".problem")?.remove();
    const problem = page.querySelector(".problem");
    if (problem) {
      form.before(problem);
      problem.focus();
    } else if (isStep) next().focus();
  }

  function mark(field, other) {
    if (!other || field.closest("#found")) return;
    for (const name of ["aria-invalid", "aria-describedby"]) {
      if (other.hasAttribute(name)) field.setAttribute(name, other.getAttribute(name));
      else field.removeAttribute(name);
    }
    const [look, wanted] = field.matches("fieldset") ? [field.querySelector(".choice"), other.querySelector(".choice")] : [field, other];
    look?.classList.toggle("is-bad", wanted.classList.contains("is-bad"));
    const said = other.closest(".field")?.querySelector(`#err-${field.id}`);
    if (!said) return;
    field.closest(".field").append(said);
    const fold = field.closest("details");
    if (fold) fold.open = true;
  }

  function complain(text) {
    document.querySelector(".problem")?.remove();
    const box = document.createElement("div");
    box.className = "problem";
    box.setAttribute("role", "alert");
    box.tabIndex = -1;
    box.append(Object.assign(document.createElement("h2"), { textContent: text }));
    form.before(box);
    box.focus();
  }

  // ---- a session that ended while the page lay open: sign in on the page, and go on ----
  class SignedOut extends Error {}

  const again = document.getElementById("again");
  let renewing = null;

  const renew = () => {
    renewing ??= fetchFresh().finally(() => { renewing = null; });
    return renewing;
  };

  async function fetchFresh() {
    const page = parsed(await (await fetch(form.action)).text());
    if (!adopt(page)) adopt(await signIn(page));
  }

  function adopt(page) {
    const token = page.querySelector("#report [name=csrf_token]")?.value;
    if (!token) return false;
    for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = token;
    document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
    return true;
  }

  function signIn(page) {
    return new Promise((signedIn, gaveUp) => {
      const place = again.querySelector("div");
      const ask = (asked) => {
        const made = document.adoptNode(asked.querySelector("main form"));
        made.querySelector("h1").remove();
        place.replaceChildren(made);
        made.addEventListener("submit", async (event) => {
          event.preventDefault();
          const answer = await fetch(made.action, { method: "POST", body: new URLSearchParams(new FormData(made)) }).catch(() => null);
          const come = answer && parsed(await answer.text());
          if (come?.querySelector("#report")) {
            again.removeEventListener("close", close);
            again.close();
            signedIn(come);
          } else if (come?.querySelector("main form")) ask(come);
        });
        made.querySelector(".problem, [name=email]").focus();
      };
      const close = () => gaveUp(new SignedOut());
      again.addEventListener("close", close, { once: true });
      again.showModal();
      ask(page);
    });
  }

  // The first thing that is typed the next morning says it, long before the form is sent.
  let isDeclined = false;
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement !== form || !ctx.response || !isOld(ctx.response) || isSending || isDeclined || renewing) return;
    const here = document.activeElement;
    renew().then(() => { here?.focus(); htmx.trigger(form, "change"); }, () => { isDeclined = true; });
  });

  serial.addEventListener("scanned", () => goOn());

  // ---- the label: Enter, which a scanner that types sends too, asks at once and goes on to what is next ----
  let isEntered = false;
  const next = () => form.querySelector("[name=component]:checked, [name=component]");

  serial.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    goOn();
  });

  function goOn() {
    isEntered = true;
    serial.dispatchEvent(new Event("change", { bubbles: true }));
    next().focus();
  }

  document.addEventListener("htmx:after:swap", () => {
    if (!isEntered) return;
    isEntered = false;
    if (document.activeElement !== next()) return;
    const open = form.querySelector("[name=unit]") ?? (form.querySelector("[data-needs-client]") && form.elements.client);
    open?.focus();
  });

  // ---- photos: a telephone's camera gives one at a time, and each would push out the one before. What goes is what the
  // camera wrote, byte for byte; only a kind that nobody takes (HEIC) becomes one that is taken, where the browser can. ----
  const photos = form.elements.photos;
  const list = document.getElementById("photo-list");
  const TAKEN = /^image\/(jpeg|png|webp)$/;
  let kept = [];
  let isReady = Promise.resolve();

  photos.addEventListener("change", (event) => {
    event.stopPropagation();
    const added = [...photos.files];
    isReady = isReady.then(() => add(added));
  });

  async function add(files) {
    const isKept = (one) => kept.some(({ from }) => from.name === one.name && from.size === one.size && from.lastModified === one.lastModified);
    const added = [];
    for (const from of files) if (!isKept(from)) added.push({ from, file: await takable(from) });
    const all = [...kept, ...added];
    const together = all.reduce((sum, { file }) => sum + file.size, 0);
    const isTooLarge = together > photos.dataset.together || added.some(({ file }) => file.size > photos.dataset.biggest);
    if (all.length > photos.dataset.most) refuse(form.dataset.tooMany);
    else if (isTooLarge) refuse(form.dataset.tooLarge);
    else {
      refuse("");
      kept = all;
    }
    draw();
  }

  async function takable(file) {
    if (TAKEN.test(file.type)) return file;
    try {
      const seen = await createImageBitmap(file);
      const canvas = new OffscreenCanvas(seen.width, seen.height);
      canvas.getContext("2d").drawImage(seen, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
      return new File([blob], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: "image/jpeg", lastModified: file.lastModified });
    } catch {
      return file;  // the server says what is wrong with it
    }
  }

  function refuse(text) {
    document.getElementById("err-photos")?.remove();
    photos.classList.toggle("is-bad", text !== "");
    photos.setAttribute("aria-describedby", text ? "hint-photos err-photos" : "hint-photos");
    if (!text) return photos.removeAttribute("aria-invalid");
    photos.setAttribute("aria-invalid", "true");
    list.after(Object.assign(document.createElement("p"), { id: "err-photos", className: "err", role: "alert", textContent: text }));
  }

  function draw() {
    const held = new DataTransfer();
    for (const { file } of kept) held.items.add(file);
    photos.files = held.files;
    for (const picture of list.querySelectorAll("img")) URL.revokeObjectURL(picture.src);
    list.replaceChildren(...kept.map((one) => {
      const row = document.createElement("li");
      const away = Object.assign(document.createElement("button"), { type: "button", textContent: "×", title: `${form.dataset.remove} ${one.from.name}` });
      away.setAttribute("aria-label", away.title);
      away.addEventListener("click", () => {
        kept = kept.filter((other) => other !== one);
        refuse("");
        draw();
        photos.focus();
      });
      row.append(Object.assign(new Image(), { src: URL.createObjectURL(one.file), alt: one.from.name }), away);
      return row;
    }));
  }
})();
