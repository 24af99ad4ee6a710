// Reads a code by camera, or helps to type one. Whatever is found goes to the same page as what is typed.
"use strict";

const script = document.getElementById("check-script");
const FRAME_SIDE_MAX = 960;
const FRAME_EVERY_MS = 250;
const SLOW_MS = 8000;

function found(text) {
  location.assign(`${script.dataset.check}?code=${encodeURIComponent(text)}`);
}

// --- typing: groups of five, and what is wrong while it is typed
const field = document.getElementById("code");
const said = document.querySelector("[data-said]");
const plainHelp = said.textContent;
const length = Number(said.dataset.length);

function canonical(text) {
  return text.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
}

function judge(serial) {
  const strange = serial.match(/[^0-9A-HJKMNP-TV-Z]/);
  if (strange) return ["wrong", said.dataset.strange.replace("{letter}", strange[0])];
  if (serial.length > length) return ["wrong", said.dataset.long.replace("{more}", String(serial.length - length))];
  if (serial.length === length) return ["whole", said.dataset.whole];
  return ["", said.dataset.count.replace("{typed}", String(serial.length)).replace("{length}", String(length))];
}

field.addEventListener("input", () => {
  const text = field.value;
  said.classList.remove("is-wrong", "is-whole");
  // An address has slashes: it is read as it is.
  if (!text.trim() || text.includes("/") || text.includes(":")) {
    said.textContent = plainHelp;
    return;
  }
  const serial = canonical(text);
  const atEnd = field.selectionStart === text.length;
  const grouped = serial.replace(/(.{5})(?=.)/g, "$1 ");
  if (atEnd && grouped !== text) field.value = grouped;
  const [tone, words] = judge(serial);
  if (tone) said.classList.add(`is-${tone}`);
  said.textContent = words;
});

// --- the camera: the browser reads codes itself where it can, else the server does, a picture at a time
const camera = document.querySelector("[data-camera]");
const cameraOff = camera.querySelector("[data-camera-off]");
const finder = document.querySelector("[data-finder]");
const video = finder.querySelector("video");
const cameraSaid = document.querySelector("[data-camera-said]");
const canvas = document.createElement("canvas");
let stream = null;

async function ownReader() {
  if (!("BarcodeDetector" in window)) return null;
  const formats = await window.BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.includes("qr_code")) return null;
  const detector = new window.BarcodeDetector({ formats: ["qr_code"] });
  return async () => (await detector.detect(video))[0]?.rawValue ?? null;
}

async function servedReader() {
  const scale = Math.min(1, FRAME_SIDE_MAX / Math.max(video.videoWidth, video.videoHeight, 1));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  if (!canvas.width || !canvas.height) return null;
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.8); });
  const answer = await fetch(script.dataset.frame, {
    method: "POST",
    headers: { "Content-Type": "image/jpeg", Accept: "application/json", "X-CSRFToken": script.dataset.token },
    body: blob,
  });
  if (answer.status === 429) throw new Error("busy");
  return answer.ok ? (await answer.json()).code : null;
}

function stop(words) {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  video.hidden = true;
  cameraOff.hidden = true;
  cameraSaid.textContent = words || "";
  finder.hidden = !words;
}

async function look() {
  const read = (await ownReader()) ?? servedReader;
  const since = performance.now();
  while (stream) {
    const code = await read().catch((error) => { if (error.message === "busy") stop(cameraSaid.dataset.busy); return null; });
    if (code && stream) {
      stop("");
      found(code);
      return;
    }
    if (stream && performance.now() - since > SLOW_MS) cameraSaid.textContent = cameraSaid.dataset.slow;
    await new Promise((resolve) => { setTimeout(resolve, FRAME_EVERY_MS); });
  }
}

async function start() {
  finder.hidden = false;
  video.hidden = false;
  cameraOff.hidden = false;
  cameraSaid.textContent = cameraSaid.dataset.looking;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false });
  } catch {
    stop(cameraSaid.dataset.denied);
    return;
  }
  video.srcObject = stream;
  await video.play();
  look();
}

if (navigator.mediaDevices?.getUserMedia && window.isSecureContext) {
  camera.hidden = false;
  // Where there is a camera it is the way to go, and typing the other one.
  document.querySelector("[data-typing] button").classList.add("quiet-button");
  camera.querySelector("[data-camera-on]").addEventListener("click", () => { if (!stream) start(); });
  cameraOff.addEventListener("click", () => stop(""));
  document.addEventListener("visibilitychange", () => { if (document.hidden && stream) stop(""); });
}
