// Every page, in a real browser.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { SMALL, concertina, download, foreign, raw, scratch, store, test, until } from "./support.mjs";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The number that a text begins with. */
const count = async (page) => Number((await page.textContent("#count")).replace(/,/g, "").match(/^\d+/)?.[0]);

test("runs are listed, filtered with completion, sorted and shown by chosen columns", async ({
  view,
  page,
}) => {
  const viewer = await view(store());
  const at = await page();
  await at.goto(viewer.address);
  await at.waitForSelector("#runs tbody a");
  assert.equal(await count(at), 6);
  await at.fill("#filter", "");
  await at.type("#filter", "gai");
  await at.waitForSelector("#options li:has-text('gain')");
  await at.keyboard.press("ArrowDown");
  await at.keyboard.press("Enter");
  assert.equal(await at.inputValue("#filter"), "gain ");
  await at.type("#filter", "= 20");
  await until(async () => (await count(at)) === 3, "three runs have gain 20");
  assert.match(at.url(), /where=gain/);
  await at.fill("#filter", "gain = 20 and statsu = complete");
  await until(
    async () => (await at.textContent("#problem")).includes("status"),
    "a misspelt column is named",
  );
  await at.fill("#filter", "status = ");
  await at.waitForSelector("#options li:has-text('diverged')");
  await at.keyboard.press("Escape");
  await at.fill("#filter", "");
  await until(async () => (await count(at)) === 6, "all runs again");
  const cells = async (name) => {
    const names = await at.$$eval("#runs th", (heads) =>
      heads.map((head) => head.textContent.replace(/ [↑↓]$/, "")),
    );
    const place = names.indexOf(name);
    return at.$$eval(
      "#runs tbody tr:not([aria-hidden])",
      (rows, which) => rows.map((row) => row.children[which]?.textContent),
      place,
    );
  };
  await at.click("#runs th button:has-text('seed')");
  await until(async () => (await cells("seed")).join() === "0,0,1,1,2,2", "sorted by seed");
  await at.click("#runs th button:has-text('seed')");
  await until(async () => (await cells("seed")).join() === "2,2,1,1,0,0", "sorted the other way");
  await at.click("summary:has-text('Columns')");
  await at.check("#columns label:has-text('train.optimizer') input");
  await until(async () => (await cells("optimizer")).length === 6, "the chosen column is shown");
  assert.deepEqual(
    at.errors.filter((error) => !error.includes("400")),
    [],
  );
});

test("a page says that the viewer has stopped", async ({ view, page }) => {
  const viewer = await view(store());
  const at = await page();
  await at.goto(viewer.address);
  await until(async () => (await count(at)) === 6, "the runs are there");
  await viewer.stop();
  await until(async () => (await at.textContent("#status")).includes("does not answer"), "it says so");
});

test("a brush over an axis or the points becomes a condition", async ({ view, page }) => {
  const viewer = await view(store());
  const at = await page();
  await at.goto(viewer.address);
  const canvas = await at.waitForSelector("#overview canvas");
  await at.waitForTimeout(300);
  const box = await canvas.boundingBox();
  await at.mouse.move(box.x + 36, box.y + 30);
  await at.mouse.down();
  await at.mouse.move(box.x + 46, box.y + 90, { steps: 4 });
  await at.mouse.up();
  await until(async () => (await at.inputValue("#filter")).length > 0, "the filter has a condition");
  await until(async () => (await count(at)) < 6, "fewer runs");
  await at.fill("#filter", "");
  await at.click("button:has-text('Scatter')");
  await until(async () => (await count(at)) === 6, "all again");
  await at.selectOption("select[aria-label=Across]", "network.gain");
  await at.waitForTimeout(300);
  const points = await (await at.waitForSelector("#overview canvas")).boundingBox();
  await at.mouse.move(points.x + points.width * 0.7, points.y + 2);
  await at.mouse.down();
  await at.mouse.move(points.x + points.width - 4, points.y + points.height - 30, { steps: 4 });
  await at.mouse.up();
  await until(async () => (await count(at)) === 3, "the runs of the larger gain");
  assert.match(await at.inputValue("#filter"), /network\.gain >= .* and network\.gain <= 20/);
  // a run at the very edge of a brush is selected
  const edges = await at.evaluate(async () => {
    const { rounded } = await import(new URL("overview.js", location.href.split("#")[0]).href);
    return [2 / 3, 0.983333, -2 / 3, 12345.678, 0, 20].map((value) => [
      rounded(value, -1),
      rounded(value, 1),
    ]);
  });
  assert.deepEqual(edges, [
    [0.66666, 0.66667],
    [0.98333, 0.98334],
    [-0.66667, -0.66666],
    [12345, 12346],
    [0, 0],
    [20, 20],
  ]);
  assert.deepEqual(at.errors, []);
});

test("runs that are trained while one looks appear by themselves", async ({ view, page }) => {
  const folder = path.join(scratch, "grows");
  const viewer = await view(folder);
  const at = await page();
  await at.goto(viewer.address);
  await at.waitForSelector("text=There is no store in this folder yet");
  concertina("train", ...SMALL, "seed=0", "--store", folder, "--quiet");
  await at.waitForSelector("#runs tbody a");
  assert.equal(await count(at), 1);
  concertina("train", ...SMALL, "seed=1", "--store", folder, "--quiet");
  await until(async () => (await count(at)) === 2, "the second run");
  assert.deepEqual(at.errors, []);
});

test("a run shows its cloud at every timestep and checkpoint, its curves, and saves them", async ({
  view,
  page,
}) => {
  const viewer = await view(store());
  const at = await page();
  await at.goto(viewer.address);
  await at.click("#runs tbody a");
  await at.waitForSelector("h1:has-text('units 24')");
  const [checkpoint, timestep] = [at.locator(".sliders input").nth(0), at.locator(".sliders input").nth(1)];
  await until(async () => (await checkpoint.getAttribute("max")) === "4", "five checkpoints");
  assert.equal(await timestep.getAttribute("max"), "10", "the input and ten timesteps");
  const picture = () => at.$eval("canvas.cloud", (canvas) => canvas.toDataURL());
  await at.waitForTimeout(200);
  const last = await picture();
  await checkpoint.focus();
  await at.keyboard.press("Home");
  await at.waitForTimeout(200);
  assert.equal(await at.locator(".sliders output").nth(0).textContent(), "before training");
  const first = await picture();
  assert.notEqual(first, last);
  await timestep.focus();
  await at.keyboard.press("Home");
  await at.waitForTimeout(200);
  assert.notEqual(await picture(), first);
  assert.equal(await at.locator(".sliders output").nth(1).textContent(), "input");
  await at.focus("canvas.cloud");
  const before = await picture();
  await at.keyboard.press("ArrowRight");
  await at.waitForTimeout(100);
  assert.notEqual(await picture(), before, "the arrow keys turn the cloud");
  await at.click("button[aria-label='Play over checkpoint']");
  await until(
    async () => (await at.locator(".sliders output").nth(0).textContent()).startsWith("epoch 4"),
    "it plays to the end",
  );
  const panel = at.locator("section[aria-label='Effective dimension in a trial']");
  await panel.locator("summary").click();
  const csv = await download(at, () => panel.locator("button:has-text('CSV')").click());
  assert.match(csv.name, /^dimension-.*\.csv$/);
  const svg = await download(at, () => panel.locator("button:has-text('SVG')").click());
  assert.match(String(svg.bytes), /^<svg[^]*<path/);
  const pdf = await download(at, () => panel.locator("button:has-text('PDF')").click());
  assert.equal(String(pdf.bytes.subarray(0, 5)), "%PDF-");
  // the numbers are those of the command line that stands beside them
  const line = await panel.locator("pre").first().textContent();
  const printed = JSON.parse(concertina(...line.split(" ").slice(1), "--with", "samples=500", "--json"));
  const expected = printed.filter((row) => row.epoch === 4).map((row) => row.effective_dimension);
  const shown = String(csv.bytes)
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","));
  const found = shown.filter(([series]) => !series.startsWith("before")).map((row) => Number(row.at(-1)));
  assert.equal(expected.length > 0, true);
  for (const value of expected)
    assert.ok(
      found.some((other) => Math.abs(other - value) < 1e-9),
      `${value} in ${found}`,
    );
  await at.click("button:has-text('Compute the ten largest')");
  await at.waitForSelector("section[aria-label='Lyapunov exponents'] svg", { timeout: 60000 });
  await at.waitForSelector("section[aria-label='Eigenvalues of the recurrent weights'] circle");
  assert.deepEqual(at.errors, []);
});

test("fixed points that were analysed lie in the cloud, and the panels say what is still to compute", async ({
  view,
  page,
}) => {
  const folder = path.join(scratch, "fixed");
  concertina("train", ...SMALL, "gain=2", "seed=0", "--store", folder, "--quiet");
  const [run] = JSON.parse(concertina("runs", "list", "--json", "--store", folder));
  const viewer = await view(folder);
  const at = await page();
  await at.goto(`${viewer.address}#/run/${run.key}`);
  const line = `concertina analyse fixed_points --run ${run.key.slice(0, 12)} --store ${folder}`;
  await at.waitForSelector(`text=${line}`);
  const found = JSON.parse(concertina(...line.split(" ").slice(1), "--json", "--quiet"));
  const points = found.filter((row) => row.kind !== null);
  assert.ok(points.length > 0);
  await at.reload();
  await at.waitForSelector(`text=${points.length} points were found`);
  await at.waitForSelector("text=/fixed point that attracts|with unstable directions|slow point/");
  const panel = at.locator("section[aria-label='The representation']");
  await panel.locator("summary").click();
  const shapes = async () =>
    String((await download(at, () => panel.locator("button:has-text('SVG')").click())).bytes).match(/Z"/g);
  await until(async () => (await shapes())?.length > 0, "the marks are drawn");
  assert.equal((await shapes()).length, points.filter((row) => row.stage === "after").length);
  const exponents = at.locator("section[aria-label='Lyapunov exponents']");
  await exponents.locator("summary").click();
  assert.equal(await exponents.locator("button:has-text('SVG')").count(), 0);
  await exponents.locator("text=There is a picture to save once the exponents are computed").waitFor();
  assert.deepEqual(at.errors, []);
});

test("a damaged run says so, and the others are shown", async ({ view, page }) => {
  const folder = path.join(scratch, "damaged");
  concertina("train", ...SMALL, "seed=0..2", "--store", folder, "--quiet");
  const runs = JSON.parse(concertina("runs", "list", "--json", "--store", folder));
  const { folder: place } = JSON.parse(concertina("runs", "show", runs[0].key, "--json", "--store", folder));
  for (const name of fs.readdirSync(place)) {
    const file = path.join(place, name);
    if (fs.statSync(file).isFile() && name.startsWith("params"))
      fs.writeFileSync(file, "task = <script>alert(1)</script>");
  }
  const viewer = await view(folder);
  const at = await page();
  await at.goto(viewer.address);
  await at.waitForSelector("#runs tbody a");
  assert.equal(await count(at), 2);
  await at.goto(`${viewer.address}#/run/${runs[0].key}`);
  await at.waitForSelector("text=are damaged, or of a newer version");
  await at.goto(`${viewer.address}#/run/${runs[1].key}`);
  await at.waitForSelector("canvas.cloud");
  await at.goto(`${viewer.address}#/run/${"0".repeat(12)}`);
  await at.waitForSelector("text=This page cannot be shown");
});

test("what runs and files are called is shown as text and never run", async ({ view, page }) => {
  const figures = path.join(scratch, "named");
  fs.mkdirSync(figures, { recursive: true });
  const name = "<img src=x onerror=alert(1)>.svg";
  fs.writeFileSync(
    path.join(figures, name),
    `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
  );
  fs.writeFileSync(path.join(figures, "report.html"), "<script>alert(1)</script>");
  fs.writeFileSync(
    path.join(figures, "report.json"),
    JSON.stringify({
      figures: [
        { figure: "<script>alert(1)</script>", claims: [{ name: "<b>x</b>", verdict: "reproduced" }] },
      ],
    }),
  );
  const viewer = await view(store(), "--figures", figures);
  const at = await page();
  at.on("dialog", () => assert.fail("a script has run"));
  await at.goto(`${viewer.address}#/figures`);
  await at.waitForSelector("figcaption:has-text('<img src=x')");
  await at.waitForSelector("td:has-text('<script>alert(1)</script>')");
  const answer = await raw(viewer, { path: `/${viewer.token}/api/figures/report.html` });
  assert.equal(answer.headers["content-disposition"], "attachment");
  assert.match(answer.headers["content-security-policy"], /default-src 'none'; script-src 'self'/);
  await at.goto(`${viewer.address}#/runs?where=${encodeURIComponent("key = <script>alert(1)</script>")}`);
  await until(async () => (await at.textContent("#problem")).length > 0, "the condition is refused");
  await at.goto(`${viewer.address}#/run/${encodeURIComponent("<script>alert(1)</script>")}`);
  await at.waitForSelector("text=expected the key of a run");
});

test("chosen runs are compared side by side, with a band over seeds", async ({ view, page }) => {
  const viewer = await view(store());
  const at = await page();
  await at.goto(viewer.address);
  await at.waitForSelector("#runs tbody input");
  for (const box of (await at.$$("#runs tbody input")).slice(0, 6)) await box.check();
  await at.click("a:has-text('Compare 6 runs')");
  await at.waitForSelector("text=They differ in");
  await until(async () => (await at.locator("canvas.cloud").count()) === 6, "six clouds");
  await at.waitForSelector("text=(3 seeds)");
  await at.waitForSelector("svg path[fill-opacity='0.18']");
  const pictures = () => at.$$eval("canvas.cloud", (all) => all.map((canvas) => canvas.toDataURL()));
  await at.waitForTimeout(400);
  const before = await pictures();
  await at.locator(".sliders input").first().focus();
  await at.keyboard.press("Home");
  await at.waitForTimeout(300);
  const after = await pictures();
  before.forEach((one, place) => assert.notEqual(one, after[place], `cloud ${place} follows the slider`));
  assert.deepEqual(at.errors, []);
});

test("the playground plays, steps, changes and starts again", async ({ view, page }) => {
  const viewer = await view(path.join(scratch, "empty"));
  const at = await page();
  await at.goto(
    `${viewer.address}#/playground?network.units=24&task.input_dim=12&task.train_samples=60&task.clusters=12&story=&pace=8`,
  );
  const pictures = () => at.$eval("main", (main) => Number(main.dataset.pictures ?? 0));
  await until(async () => (await pictures()) >= 1, "the picture before training");
  const epoch = async () => Number(await at.textContent(".facts b"));
  assert.equal(await epoch(), 0);
  await at.click("#step");
  await until(async () => (await epoch()) > 0, "a step");
  const after = await epoch();
  await at.waitForTimeout(500);
  assert.ok((await epoch()) <= after + 1, "a step is a step");
  await at.click("#play");
  await until(async () => (await epoch()) > after + 3, "it trains");
  await at.click("#play");
  await at.waitForTimeout(400);
  const paused = await epoch();
  await at.waitForTimeout(600);
  assert.equal(await epoch(), paused, "it pauses");
  await at.click("#play");
  const rate = at.locator("input[data-name='train.learning_rate']");
  await rate.focus();
  await at.keyboard.press("ArrowRight");
  await until(async () => (await epoch()) > paused + 4, "it goes on with another learning rate");
  assert.equal(await at.isDisabled("#keep"), true, "no parameters describe this network");
  await at.locator("input[data-name='network.gain']").focus();
  await at.keyboard.press("ArrowLeft");
  await until(async () => (await epoch()) < paused + 4, "another gain starts it again");
  assert.match(at.url(), /network\.gain=10/);
  await at.click("#reset");
  assert.deepEqual(at.errors, []);
});

test("a network that is kept has the bits of the same run from the command line", async ({ view, page }) => {
  const [mine, other] = [path.join(scratch, "kept"), path.join(scratch, "trained")];
  const viewer = await view(mine, "--allow-training");
  const at = await page();
  await at.goto(
    `${viewer.address}#/playground?network.units=24&task.input_dim=12&task.train_samples=60&task.clusters=12&story=&pace=16`,
  );
  await until(async () => Number(await at.textContent(".facts b").catch(() => 0)) === 0, "it is there");
  await at.click("#play");
  await until(async () => Number(await at.textContent(".facts b")) > 3, "it trains");
  await at.click("#keep");
  const link = await at.waitForSelector("#kept", { timeout: 30000 });
  const key = (await link.getAttribute("href")).split("/").at(-1);
  const kept = JSON.parse(concertina("runs", "show", key, "--json", "--store", mine));
  concertina(
    "train",
    ...SMALL.slice(0, 4),
    `epochs=${kept.checkpoints.at(-1).epoch}`,
    "--store",
    other,
    "--quiet",
  );
  // An import into a store that has the run stops at the first checkpoint whose bits differ.
  const archive = path.join(scratch, "kept.npz");
  concertina("runs", "export", key, "--out", archive, "--store", mine);
  const [imported] = JSON.parse(concertina("runs", "import", archive, "--json", "--store", other));
  assert.deepEqual([imported.run, imported.was_there], [key, true], "the same run, with nothing new");
  await link.click();
  await at.waitForSelector("canvas.cloud");
  assert.deepEqual(at.errors, []);
});

test("with its defaults the first story compresses within ten seconds", async ({ view, page }) => {
  const viewer = await view(path.join(scratch, "empty"));
  const at = await page();
  await at.goto(`${viewer.address}#/playground`);
  await at.waitForSelector("h2:has-text('Sixty clouds')");
  const dimension = async () => Number(await at.locator(".facts div:has-text('dimension') b").textContent());
  const accuracy = async () =>
    parseFloat(await at.locator(".facts div:has-text('accuracy') b").textContent());
  await until(async () => (await dimension().catch(() => 0)) > 10, "before training it has many dimensions");
  await at.click("#do");
  await until(async () => (await dimension()) < 3, "it compresses", 10000);
  await until(async () => (await accuracy()) > 90, "it has learnt");
  await at.click("#next");
  await at.waitForSelector("h2:has-text('need not know')");
  await at.click("#next");
  await at.waitForSelector("h2:has-text('Far beyond')");
  await until(async () => at.url().includes("gain=250"), "the address says so");
  assert.deepEqual(at.errors, []);
});

test("a page that is closed in the midst of training ends its network", async ({ view, page }) => {
  const viewer = await view(path.join(scratch, "empty"));
  const at = await page();
  await at.goto(`${viewer.address}#/playground`);
  await at.waitForSelector("#do");
  await at.click("#do");
  await at.waitForTimeout(500);
  await at.context().close();
  const training = async () =>
    JSON.parse((await raw(viewer, { path: `/${viewer.token}/api/info` })).text).training;
  await until(async () => (await training()) === 0, "the network ends", 20000);
});

test("figures and verdicts are shown and saved", async ({ view, page }) => {
  const figures = path.join(scratch, "drawn");
  fs.mkdirSync(figures, { recursive: true });
  fs.writeFileSync(
    path.join(figures, "fig2.svg"),
    `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="90" height="60" fill="teal"/></svg>`,
  );
  fs.writeFileSync(path.join(figures, "fig2.csv"), "x\n1\n");
  fs.writeFileSync(
    path.join(figures, "report.json"),
    JSON.stringify({
      figures: [
        {
          figure: "fig2",
          claims: [{ name: "compresses", verdict: "reproduced", findings: [{ mean: 1.5, low: 1, high: 2 }] }],
        },
      ],
    }),
  );
  const viewer = await view(store(), "--figures", figures);
  const at = await page();
  await at.goto(`${viewer.address}#/figures`);
  await at.waitForSelector("td:has-text('reproduced')");
  assert.ok(await at.$eval("figure img", (image) => image.decode().then(() => image.naturalWidth > 0)));
  const saved = await download(at, () => at.click("figcaption a:has-text('CSV')"));
  assert.equal(String(saved.bytes), "x\n1\n");
  assert.deepEqual(at.errors, []);
});

test("every page passes axe, in light and dark, on a screen and a phone", async ({ view, page }) => {
  const viewer = await view(store());
  const [key] = JSON.parse(concertina("runs", "list", "--json", "--store", store())).map((run) => run.key);
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
    ]) {
      const at = await page({ colorScheme, viewport, bypassCSP: true });
      for (const [where, there] of [
        ["#/runs", "#runs tbody a"],
        [`#/run/${key}`, "canvas.cloud"],
        ["#/playground", "#do"],
        ["#/figures", "h1"],
        ["#/compare", "h1"],
      ]) {
        await at.goto(viewer.address + where);
        await at.waitForSelector(there);
        await at.waitForTimeout(400);
        await at.evaluate(axe);
        const found = await at.evaluate(() => globalThis.axe.run());
        const serious = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(
          serious.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`),
          [],
          `${where} ${colorScheme} ${viewport.width}`,
        );
        const wide = await at.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(wide <= 0, `${where} is ${wide} pixels wider than a screen of ${viewport.width}`);
      }
      await at.context().close();
    }
  }
});

test("nothing was loaded from anywhere else", async () => {
  assert.deepEqual(foreign, []);
});
