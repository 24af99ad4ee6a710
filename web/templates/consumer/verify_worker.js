// Keeps the page that verifies signed addresses, so that it opens without a network. Newer is better: the network is asked first.
"use strict";

const CACHE = "om-verify-1";
const PAGE = {{ page|tojson }};
const KEPT = {{ kept|tojson }};

// Without cookies: fetching a page in another language must not choose it for the reader.
const keep = async () => {
  const cache = await caches.open(CACHE);
  await Promise.all(KEPT.map(async (path) => {
    const answer = await fetch(path, { cache: "no-cache", credentials: path === PAGE ? "same-origin" : "omit" });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    await cache.put(path, answer);
  }));
};

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const answered = async (request, path) => {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(path, answer.clone());
    return answer;
  } catch (lost) {
    const kept = (await cache.match(path)) || (path.startsWith(`${PAGE}?`) ? await cache.match(PAGE) : undefined);
    if (kept) return kept;
    throw lost;
  }
};

self.addEventListener("fetch", (event) => {
  const { pathname, search, origin } = new URL(event.request.url);
  const path = pathname + search;
  const ours = origin === self.location.origin && event.request.method === "GET";
  if (ours && (pathname === PAGE || KEPT.includes(path))) event.respondWith(answered(event.request, path));
});
