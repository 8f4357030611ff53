// @ts-check
/** Opens the page that the address names. */

import { h } from "./common.js";
import * as compare from "./compare.js";
import * as figures from "./figures.js";
import * as playground from "./playground.js";
import * as run from "./run.js";
import * as runs from "./runs.js";

/** @typedef {(main: HTMLElement, path: string[], query: URLSearchParams, signal: AbortSignal) => Promise<void>} Page */

const PAGES = /** @type {Record<string, { open: Page, title: string }>} */ ({
  runs: { open: runs.open, title: "Runs" },
  run: { open: run.open, title: "Run" },
  compare: { open: compare.open, title: "Compare" },
  playground: { open: playground.open, title: "Playground" },
  figures: { open: figures.open, title: "Figures" },
});

let leaving = new AbortController();
let shown = "";

/** A part of the address as text; as it stands if it is not encoded. @param {string} part */
function plain(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Opens the page of the address. */
async function open() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(plain);
  const name = PAGES[parts[0]] ? parts[0] : "runs";
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  document.title = `${PAGES[name].title} – Concertina`;
  for (const link of document.querySelectorAll("nav a")) {
    const here =
      link.getAttribute("href") === `#/${name}` || (name === "run" && link.getAttribute("href") === "#/runs");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.replaceChildren();
  try {
    await PAGES[name].open(main, parts.slice(1), new URLSearchParams(search), signal);
  } catch (error) {
    if (signal.aborted) return;
    const hint = /** @type {any} */ (error)?.hint ?? "";
    main.replaceChildren(
      h("h1", {}, "This page cannot be shown"),
      h("p", { class: "bad" }, error instanceof Error ? error.message : String(error)),
      h("p", {}, hint),
    );
  }
  if (shown && shown !== name) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  shown = name;
}

/** @param {string} id @param {(value: string) => void} use */
function choice(id, use) {
  const select = /** @type {HTMLSelectElement} */ (document.getElementById(id));
  select.value = localStorage.getItem(id) ?? select.value;
  use(select.value);
  select.addEventListener("change", () => {
    localStorage.setItem(id, select.value);
    use(select.value);
  });
}

const dark = matchMedia("(prefers-color-scheme: dark)");
let opened = false;
/** Sets the colours, and draws an open page again in them. */
function looks() {
  const chosen = localStorage.getItem("theme") ?? "auto";
  const theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  document.documentElement.dataset.theme = theme;
  if (opened) open();
}
dark.addEventListener("change", looks);
choice("theme", looks);
choice("palette", looks);

addEventListener("hashchange", open);
open();
opened = true;
