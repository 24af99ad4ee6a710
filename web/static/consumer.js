// Consumer pages: tells the edge that a person looked, adds a place only where the person chose so, counts down to the next code.
"use strict";

const CONFIRM = "/v1/scans/confirm";
const TRIES_MAX = 3;
const TRY_AGAIN_MS = 1500;
const POSITION_MS_MAX = 4000;
const PLACE_KEY = "om_place";
const check = document.querySelector("[data-check]");

// --- the choice to add a place: kept on this device, asked by a button, never on its own
const place = {
  card: document.querySelector("[data-place]"),
  possible: "geolocation" in navigator && window.isSecureContext,
  chosen() {
    try { return localStorage.getItem(PLACE_KEY) === "yes"; } catch { return false; }
  },
  choose(yes) {
    try { yes ? localStorage.setItem(PLACE_KEY, "yes") : localStorage.removeItem(PLACE_KEY); } catch { /* a private window keeps nothing */ }
  },
  ask() {
    return new Promise((resolve) => {
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy_m: coords.accuracy }),
        () => resolve(null),
        { enableHighAccuracy: false, timeout: POSITION_MS_MAX, maximumAge: 60000 },
      );
    });
  },
};

if (place.card && place.possible) {
  const on = place.card.querySelector("[data-place-on]");
  const off = place.card.querySelector("[data-place-off]");
  const said = place.card.querySelector("[data-place-said]");
  const show = (word) => {
    const chosen = place.chosen();
    on.hidden = chosen;
    off.hidden = !chosen;
    said.hidden = !word && !chosen;
    said.textContent = said.dataset[word || "on"];
  };
  on.addEventListener("click", async () => {
    const allowed = await place.ask();
    place.choose(Boolean(allowed));
    show(allowed ? "on" : "denied");
  });
  off.addEventListener("click", () => {
    place.choose(false);
    show("off");
  });
  place.card.hidden = false;
  show("");
}

// --- the beacon: a person looked at this page, so the check becomes final
function looked() {
  if (document.visibilityState === "visible" && !document.prerendering) return Promise.resolve();
  return new Promise((resolve) => {
    const seen = () => {
      if (document.visibilityState === "visible") {
        document.removeEventListener("visibilitychange", seen);
        resolve();
      }
    };
    document.addEventListener("visibilitychange", seen);
    document.addEventListener("prerenderingchange", () => seen(), { once: true });
  });
}

async function send(ticket, position, tapped) {
  const answer = await fetch(CONFIRM, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ ticket, tapped, ...position }),
  });
  if (answer.ok) return answer.json();
  const lasting = answer.status < 500 && answer.status !== 429;
  const { code } = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(String(answer.status)), { lasting, code });
}

async function sendPatiently(ticket, position, tapped) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await send(ticket, position, tapped);
    } catch (error) {
      if (error.lasting || tried === TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS * tried));
    }
  }
}

function exchange(was, is) {
  for (const link of document.querySelectorAll("a[href]")) {
    const href = link.getAttribute("href");
    if (href.includes(was)) link.setAttribute("href", href.replace(was, is));
  }
  for (const field of document.querySelectorAll("input[name=ticket]")) field.value = is;
  history.replaceState(null, "", location.pathname.replace(was, is) + location.search + location.hash);
  check.dataset.check = is;
  check.dataset.stage = "confirmed";
}

async function confirmCheck(tapped) {
  const noting = document.querySelector("[data-noting]");
  const retry = document.querySelector("[data-retry]");
  const tap = document.querySelector("[data-tap]");
  const ticket = check.dataset.check;
  noting.hidden = false;
  retry.hidden = true;
  tap.hidden = true;
  try {
    const position = place.card && place.possible && place.chosen() ? await place.ask() : null;
    const final = await sendPatiently(ticket, position, tapped);
    if (final.verdict !== check.dataset.verdict) {
      location.replace(location.pathname.replace(ticket, final.ticket) + location.search);
      return;
    }
    exchange(ticket, final.ticket);
    for (const part of document.querySelectorAll("[data-after-confirm]")) part.hidden = false;
    noting.textContent = noting.dataset.done;
  } catch (error) {
    const tapNeeded = error.code === "tap_needed";
    noting.hidden = tapNeeded;
    noting.classList.toggle("is-gone", tapNeeded);
    noting.textContent = noting.dataset.failed;
    tap.hidden = !tapNeeded;
    retry.hidden = tapNeeded;
  }
}

if (check && check.dataset.stage === "seen") {
  document.querySelector("[data-retry] button").addEventListener("click", () => confirmCheck(true));
  document.querySelector("[data-tap] button").addEventListener("click", () => confirmCheck(true));
  looked().then(() => confirmCheck(false));
}

// --- asking for another code: the button waits as long as the server would refuse
for (const button of document.querySelectorAll("[data-wait-s]")) {
  const words = button.textContent;
  let left = Number(button.dataset.waitS);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.waitWords.replace("{seconds}", String(left)) : words;
    left -= 1;
    if (button.disabled) setTimeout(tick, 1000);
  };
  tick();
}
