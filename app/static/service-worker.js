// Shows a page of our own when the server cannot be reached. Keeps that page and what it is drawn with, nothing else.

const PAGE = "/static/offline.html";
const FILES = [PAGE, "/static/app.css", "/static/favicon.svg", "/static/offline.js"];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open("offline").then((cache) => cache.addAll(FILES)));
});

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const file = mode === "navigate" ? PAGE : FILES.find((path) => url === location.origin + path);
  // A form is left to the browser, which can send it again.
  if (method === "GET" && file) event.respondWith(fetch(event.request).catch(() => caches.match(file)));
});
