// Keeps the phone's shell: styles, scripts and one page that says there is no network. Nothing else is ever kept. What a
// page tells of cases, people and pictures comes over the network or not at all, whoever holds the phone.
// KEPT, WITHOUT_NETWORK and SHELL are told by the server, above.
"use strict";

self.addEventListener("install", (event) => {
  // Without cookies: nobody's own answer can be among them.
  const shell = [WITHOUT_NETWORK, ...SHELL].map((path) => new Request(path, { cache: "reload", credentials: "omit" }));
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(shell)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const forget = (names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(forget).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (method !== "GET") return; // a form that did not arrive stays with the browser, which can send it again
  const { origin, pathname } = new URL(url);
  const instead = mode === "navigate" ? WITHOUT_NETWORK : origin === location.origin && SHELL.includes(pathname) ? pathname : "";
  if (!instead) return;
  const kept = () => caches.match(instead, { ignoreVary: true }).then((found) => found || Response.error());
  event.respondWith(fetch(event.request).catch(kept));
});
