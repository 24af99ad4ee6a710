// Verifies signed addresses on this device: what codegen/url_signatures.py does, with keys that are fetched once and remembered.
"use strict";

const page = document.querySelector("[data-verify]");
const part = (name) => page.querySelector(`[data-${name}]`);
const KEPT = "om_keys";
const FORMAT = "onemark-keys/1";
const URL_LENGTH_MAX = 2000;
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SHORT = new RegExp(`^/([${LETTERS}]{20})$`);
const LINK = new RegExp(`/01/([0-9]{14})(?:/(?:22|10)/[^/]+)*/21/([${LETTERS}]{20})$`);

class Refused extends Error {}

const bytesOf = (base64url) => Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

// --- keys: fetched, compared with what was remembered, remembered
const remembered = () => {
  try { return JSON.parse(localStorage.getItem(KEPT)); } catch { return null; }
};
const remember = (kept) => {
  try { localStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* a private window keeps nothing */ }
};

// A key never changes, and an epoch that was revoked stays so. Anything else is not the brand we remember.
const follows = (fresh, known) => {
  if (fresh.brand !== known.brand) return false;
  const keys = new Map(fresh.keys.map((key) => [key.kid, key.x]));
  const states = new Map(fresh.epochs.map((one) => [one.epoch, one.state]));
  return known.epochs.every(({ epoch, state }) => states.has(epoch) && (state !== "revoked" || states.get(epoch) === "revoked"))
    && known.keys.every(({ kid, x }) => (keys.has(kid) ? keys.get(kid) === x : states.get(Number(kid.split("/").at(-2))) === "revoked"));
};

let keys = null;

async function prepareKeys() {
  const kept = remembered();
  keys = kept && kept.set;
  try {
    const answer = await fetch(page.dataset.keys, { headers: { Accept: "application/json" } });
    const fresh = await answer.json();
    if (!answer.ok || fresh.format !== FORMAT) throw new Error("no key set");
    if (keys && !follows(fresh, keys)) part("changed").hidden = false;
    else {
      keys = fresh;
      remember({ set: fresh, at: new Date().toISOString() });
    }
  } catch { /* without a network the remembered ones do */ }
  await showKeys();
}

async function showKeys() {
  if (!keys) return;
  const kept = remembered();
  part("keys-brand").textContent = keys.brand;
  part("keys-at").textContent = new Date(kept ? kept.at : Date.now()).toLocaleString(document.documentElement.lang);
  const text = keys.keys.filter(({ kid }) => kid.endsWith("/url")).map(({ kid, x }) => `${kid} ${x}\n`).sort().join("");
  if (globalThis.crypto && crypto.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    part("keys-print").textContent = [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  }
  part("keys-known").hidden = false;
}

// --- one address
function read(address) {
  const text = address.trim();
  const [whole] = text.split("#", 1);
  const [before, ...behind] = whole.split("?");
  const printed = before.toUpperCase();
  const scheme = /^HTTPS?:\/\/[^/]+(?=\/)/.exec(printed);
  if (text.length > URL_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(printed) || !scheme) throw new Refused("url_unreadable");
  const path = printed.slice(scheme[0].length);
  const [short, link] = [SHORT.exec(path), LINK.exec(path)];
  const serial = short ? short[1] : link && link[2];
  const epoch = serial ? LETTERS.indexOf(serial[0]) : -1;
  if (epoch < 0 || epoch > 30) throw new Refused("url_unreadable");
  const given = new URLSearchParams(behind.join("?")).getAll("s");
  if (!given.length) throw new Refused("url_unsigned");
  // The last letter has four bits to spare, which must be zero: one signature has one spelling.
  if (given.length > 1 || !/^[A-Za-z0-9_-]{85}[AQgw]$/.test(given[0])) throw new Refused("signature_malformed");
  return { printed, serial, gtin: short ? "" : link[1], epoch, signature: bytesOf(given[0]) };
}

async function isRight(key, signature, message) {
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return ed25519.verify(key, signature, message); // a Web Crypto without Ed25519
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

async function verify(address) {
  const found = read(address);
  if (!globalThis.crypto || !crypto.subtle) throw new Refused("not_here");
  if (!keys) throw new Refused("keys_missing");
  const epoch = keys.epochs.find((one) => one.epoch === found.epoch);
  if (!epoch) throw new Refused("signature_epoch_unknown");
  if (epoch.state === "revoked") throw new Refused("signature_epoch_revoked");
  const key = keys.keys.find(({ kid }) => kid === `${keys.brand}/${found.epoch}/url`);
  if (!key) throw new Refused("signature_epoch_unknown");
  if (!(await isRight(bytesOf(key.x), found.signature, new TextEncoder().encode(found.printed)))) throw new Refused("signature_wrong");
  return found;
}

async function check(address) {
  let shown = part("right");
  try {
    const found = await verify(address);
    part("brand").textContent = keys.brand;
    part("serial").textContent = found.serial;
    part("gtin").textContent = found.gtin;
    part("gtin").hidden = part("gtin-name").hidden = !found.gtin;
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    shown = part("refused");
    part("reason").textContent = page.dataset[refused.message];
    part("reason-code").textContent = refused.message;
  }
  for (const one of [part("right"), part("refused")]) one.hidden = one !== shown;
  shown.focus({ preventScroll: true });
  shown.scrollIntoView({ block: "nearest" });
}

const form = part("form");
const ready = prepareKeys();
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await ready;
  await check(form.elements.address.value);
});
form.elements.address.addEventListener("input", () => { part("right").hidden = part("refused").hidden = true; });

// --- a picture, where the browser reads codes itself
async function preparePictures() {
  if (!("BarcodeDetector" in globalThis) || !(await BarcodeDetector.getSupportedFormats()).includes("qr_code")) return;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  part("picture").hidden = false;
  part("picture").querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const [code] = await detector.detect(await createImageBitmap(file)).catch(() => []);
    event.target.value = "";
    if (code) {
      form.elements.address.value = code.rawValue;
      form.requestSubmit();
    } else {
      part("right").hidden = true;
      part("refused").hidden = false;
      part("reason").textContent = page.dataset.no_code_found;
      part("reason-code").textContent = "";
    }
  });
}
preparePictures();

// --- the page stays on this device
async function prepareOffline() {
  const said = part("offline");
  if (!("serviceWorker" in navigator)) {
    said.hidden = true;
    return;
  }
  try {
    await navigator.serviceWorker.register(page.dataset.worker, { scope: location.pathname });
    await navigator.serviceWorker.ready;
    await ready;
    said.textContent = said.dataset.ready;
    page.dataset.stays = "yes";
  } catch {
    said.hidden = true;
  }
}
prepareOffline();
