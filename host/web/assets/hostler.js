// Makes the pages live. Without it everything works the same, by links and forms.
//
// One idea: the page is loaded again in the background, and those of its regions (`data-live`) that differ are replaced.
// What is typed into the search and what the server tells only decide when.
"use strict";
(() => {
  const AFTER_A_KEY = 200; // ms; whoever types on is not answered yet
  const SHOWN = 1500; // ms between two loads because something changed that the page shows
  const ELSEWHERE = 10000; // ms between two loads because of devices that it doesn't show
  const AGES = 60000; // ms after which "just now" isn't true any more

  const regions = () => [...document.querySelectorAll("[data-live]")];

  // Load and replace.

  let loading = null;
  let loadedAt = Date.now();

  async function load(url = location.href) {
    loading?.abort();
    loading = new AbortController();
    try {
      const response = await fetch(url, { signal: loading.signal, headers: { accept: "text/html" } });
      const loggedOut = response.redirected && new URL(response.url).pathname === "/login";
      if (loggedOut || response.status === 404) return location.reload();
      if (!response.ok) return;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      regions().forEach((region) => replace(region, fresh.getElementById(region.id)));
      loadedAt = Date.now();
    } catch {
      // A newer load took its place, or the server is away: the next event or the next key tries again.
    }
  }

  function replace(old, fresh) {
    if (!fresh || isInUse(old)) return;
    for (const open of old.querySelectorAll("details[id][open]")) {
      [...fresh.querySelectorAll("details[id]")].find((details) => details.id === open.id)?.setAttribute("open", "");
    }
    if (old.isEqualNode(fresh)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceWith(fresh);
    if (focused) [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }

  // Whether somebody fills in a form there or marks text.
  function isInUse(region) {
    const selection = getSelection();
    const marks = selection && !selection.isCollapsed && region.contains(selection.anchorNode);
    return marks || (region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
  }

  let timer = null;
  let due = Infinity;

  // Loads when the last load is so long ago; never later than was asked for before.
  function loadAfter(pause) {
    const at = Math.max(Date.now() + 50, loadedAt + pause);
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      timer = null;
      load();
    }, at - Date.now());
  }

  // Search while it is typed.

  const form = document.querySelector("form[data-search]");
  let typing = null;

  function search() {
    clearTimeout(typing);
    const given = [...new FormData(form)].filter(([, value]) => value.trim() !== "");
    const query = new URLSearchParams(given).toString();
    const url = query ? `${location.pathname}?${query}` : location.pathname;
    history.replaceState(null, "", url);
    load(url);
  }

  form?.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(search, AFTER_A_KEY);
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });

  // When a calendar expression comes, while it is typed.

  const planned = document.querySelector("form[data-preview]");
  let asking = null;

  async function preview() {
    const given = new URLSearchParams([...new FormData(planned)].filter(([, value]) => value.trim() !== ""));
    try {
      const response = await fetch(`${planned.dataset.preview}?${given}`, { headers: { accept: "text/html" } });
      if (!response.ok) return;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("preview");
      if (fresh) document.getElementById("preview")?.replaceWith(fresh);
    } catch {
      // The server is away: the next key tries again.
    }
  }

  planned?.addEventListener("input", (event) => {
    if (!["calendar", "zone"].includes(event.target.name)) return;
    clearTimeout(asking);
    asking = setTimeout(preview, AFTER_A_KEY);
  });

  // What the server tells.

  function concerns(region, changed) {
    const [what, id] = region.dataset.live.split(" ");
    const devices = changed.devices ?? [];
    if (changed.everything) return SHOWN;
    if (what === "device") return devices.includes(id) ? 0 : Infinity;
    if (what === "events") return changed.events ? SHOWN : Infinity;
    if (what === "enrolled") return changed.enrolled ? SHOWN : Infinity;
    const registrations = changed.registrations ?? [];
    if (what === "registrations") return registrations.length > 0 ? SHOWN : Infinity;
    if (what === "registration") return changed.enrolled || registrations.includes(id) ? SHOWN : Infinity;
    const requests = changed.requests ?? [];
    if (what === "requests") return requests.length > 0 ? SHOWN : Infinity;
    if (what === "panel") return devices.includes(id) || requests.length > 0 ? 0 : Infinity;
    if (what === "request") return requests.includes(id) ? 0 : Infinity;
    if (what !== "devices") return changed[what] ? 0 : Infinity;
    if (devices.length === 0) return Infinity;
    const shown = new Set([...region.querySelectorAll("[data-device]")].map((row) => row.dataset.device));
    return devices.some((device) => shown.has(device)) ? SHOWN : ELSEWHERE;
  }

  const pulse = document.getElementById("pulse");
  let source = null;

  // A page that nobody sees keeps no connection: a browser has few for each server.
  function listen() {
    if (source || document.hidden || regions().length === 0) return;
    source = new EventSource("/api/v1/live");
    source.addEventListener("open", () => {
      pulse?.removeAttribute("hidden");
      loadAfter(0);
    });
    source.addEventListener("changed", (event) => {
      const changed = JSON.parse(event.data);
      const pause = Math.min(...regions().map((region) => concerns(region, changed)));
      if (pause < Infinity) loadAfter(pause);
    });
    source.addEventListener("error", () => {
      pulse?.setAttribute("hidden", "");
      if (source?.readyState !== EventSource.CLOSED) return;
      source = null;
      load();
      setTimeout(listen, 5000);
    });
  }

  function hush() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
  addEventListener("pagehide", hush);
  addEventListener("pageshow", listen);
  setInterval(() => document.hidden || (regions().length && loadAfter(0)), AGES);

  // A reloaded page doesn't say again what was done, and a new token is ready to be copied.

  const here = new URL(location.href);
  if (here.searchParams.has("done")) {
    here.searchParams.delete("done");
    history.replaceState(null, "", here);
  }
  document.querySelector("[data-select]")?.select();
})();
