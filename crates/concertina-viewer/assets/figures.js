// @ts-check
/** What was drawn and judged. */

import { ask, h, short } from "./common.js";

/** @param {number} seconds */
const day = (seconds) =>
  new Date(seconds * 1000).toLocaleString("en", {
    dateStyle: "medium",
    timeStyle: "short",
  });

/** @param {string} name */
const stem = (name) => name.replace(/\.[^.]+$/, "");

/** @param {HTMLElement} main @param {string[]} _path @param {URLSearchParams} _query @param {AbortSignal} signal */
export async function open(main, _path, _query, signal) {
  const { folder, files, report } = await ask("figures", {}, signal);
  main.append(h("h1", {}, "Figures"), h("p", { class: "note mono" }, folder));
  if (!files.length) {
    main.append(
      h(
        "p",
        {},
        "Nothing has been drawn into this folder yet. Figures of the paper, and a verdict on each of its claims:",
      ),
      h("pre", { tabindex: "0" }, h("code", {}, "concertina reproduce")),
      h("p", { class: "note" }, "Another folder is shown by `concertina view --figures DIR`."),
    );
    return;
  }
  if (report) main.append(verdicts(report, files));
  const link = (/** @type {string} */ name, /** @type {string} */ text) =>
    h(
      "a",
      {
        href: `api/figures/${encodeURIComponent(name)}?save=1`,
        download: name,
      },
      text,
    );
  const names = files.map((/** @type {any} */ file) => file.name);
  const pictures = files.filter((/** @type {any} */ file) => file.name.endsWith(".svg"));
  const gallery = h("div", { class: "gallery" });
  for (const { name, changed } of pictures) {
    const image = `api/figures/${encodeURIComponent(name)}`;
    const others = ["svg", "pdf", "png", "csv"]
      .map((ending) => `${stem(name)}.${ending}`)
      .filter((other) => names.includes(other));
    gallery.append(
      h(
        "figure",
        {},
        h(
          "a",
          { href: image },
          h("img", {
            src: image,
            alt: `Figure ${stem(name)}`,
            loading: "lazy",
          }),
        ),
        h(
          "figcaption",
          {},
          h("b", {}, stem(name)),
          h("span", { class: "quiet" }, ` ${day(changed)} `),
          ...others.flatMap((other) => [
            link(other, /** @type {string} */ (other.split(".").at(-1)).toUpperCase()),
            " ",
          ]),
        ),
      ),
    );
  }
  main.append(gallery);
}

/** @param {any} report @param {any[]} files */
function verdicts(report, files) {
  const place = h("section", { "aria-label": "Report" }, h("h2", {}, "Was it reproduced?"));
  const rows = [];
  for (const figure of report.figures ?? []) {
    for (const claim of figure.claims ?? []) {
      const finding = (claim.findings ?? [])[0] ?? {};
      const numbers =
        finding.mean === undefined || finding.mean === null
          ? ""
          : `${short(finding.mean)} [${short(finding.low)}, ${short(finding.high)}]`;
      rows.push(
        h(
          "tr",
          {},
          h("td", {}, figure.figure),
          h("td", {}, claim.name ?? ""),
          h(
            "td",
            {
              class: claim.verdict === "contradicted" ? "verdict bad" : "verdict",
            },
            claim.verdict ?? "",
          ),
          h("td", {}, numbers),
        ),
      );
    }
  }
  const page = files.find((file) => file.name === "report.html");
  place.append(
    h(
      "div",
      {
        class: "scroll",
        tabindex: "0",
        role: "region",
        "aria-label": "Claims",
      },
      h(
        "table",
        { class: "small" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ...["Figure", "Claim", "Verdict", "Value"].map((name) => h("th", { scope: "col" }, name)),
          ),
        ),
        h("tbody", {}, ...rows),
      ),
    ),
  );
  if (page)
    place.append(
      h(
        "p",
        {},
        h("a", { href: "api/figures/report.html?save=1", download: "report.html" }, "Save the whole report"),
      ),
    );
  return place;
}
