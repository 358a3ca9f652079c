// Reads a label with the camera into the field that the button names. Without this script the field is typed into, by a
// person or by a scanner that types.
(() => {
  "use strict";

  // ---- the camera: what reads codes is loaded when it is first wanted ----
  const box = document.getElementById("scanner");
  const video = box.querySelector("video");
  const say = (what) => { box.querySelector("[role=status]").textContent = box.dataset[what]; };
  const CODES = { native: ["qr_code", "data_matrix", "code_128", "code_39"], ours: ["QRCode", "DataMatrix", "Code128", "Code39"] };
  const REFUSALS = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "none", OverconstrainedError: "none" };
  let loaded = null;

  const scan = document.getElementById("scan");
  const field = document.getElementById(scan.dataset.into);
  scan.hidden = false;
  scan.addEventListener("click", look);

  box.addEventListener("close", () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
    video.hidden = true;
  });

  async function look() {
    say("starting");
    box.showModal();
    if (!navigator.mediaDevices?.getUserMedia) return say("insecure");
    let camera;
    try {
      camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch (err) {
      return say(REFUSALS[err.name] ?? "busy");
    }
    video.srcObject = camera;
    video.hidden = false;
    if (!box.open) return box.dispatchEvent(new Event("close"));
    try {
      await video.play();
      loaded ??= reader();
      const read = await loaded;
      say("looking");
      await find(read);
    } catch {
      loaded = null;
      if (box.open) say("broken");
    }
  }

  async function find(read) {
    while (box.open) {
      const found = (await read()).filter((text) => text.trim() !== "");
      if (found.length > 0) {
        field.value = found.find((text) => text.includes("/assets/")) ?? found[0];
        navigator.vibrate?.(60);
        box.close();
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.dispatchEvent(new Event("scanned"));
        return;
      }
      await new Promise((done) => { setTimeout(done, 80); });
    }
  }

  async function reader() {
    const known = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
    if (CODES.native.every((code) => known.includes(code))) {
      const detector = new BarcodeDetector({ formats: CODES.native });
      return async () => (await detector.detect(video)).map((code) => code.rawValue);
    }
    await load(box.dataset.reader);
    await ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => box.dataset.wasm }, fireImmediately: true });
    const canvas = document.createElement("canvas");
    const drawn = canvas.getContext("2d", { willReadFrequently: true });
    return async () => {
      if (!video.videoWidth) return [];
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      drawn.drawImage(video, 0, 0);
      const seen = drawn.getImageData(0, 0, canvas.width, canvas.height);
      return (await ZXingWASM.readBarcodes(seen, { formats: CODES.ours, maxNumberOfSymbols: 4 })).map((code) => code.text);
    };
  }

  function load(source) {
    return new Promise((done, failed) => {
      const script = Object.assign(document.createElement("script"), { src: source, onload: done, onerror: failed });
      document.head.append(script);
    });
  }
})();
