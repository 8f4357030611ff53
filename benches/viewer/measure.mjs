// How fast the viewer is, measured in the browser. After tests/browser/run, which installs what it needs:
//   CONCERTINA=target/release/concertina node benches/viewer/measure.mjs [STORE]
// It prints one line per measurement, with the target beside it. STORE is a store of very many runs, such as
//   cargo run --release -p concertina --example many_runs -- STORE 100000
// Its index is removed and made again. Without STORE, the table is not measured.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { CONCERTINA, close, concertina, page, scratch, until, view } from "../../tests/browser/support.mjs";

const many = process.argv[2];
const say = (what, value, target) => console.log(`${what}: ${value} (target: ${target})`);

const store = path.join(scratch, "measured");
concertina("train", "gain=20", "seed=0", "epochs=60", "--store", store, "--quiet", "--jobs", "1");
const [run] = JSON.parse(concertina("runs", "list", "--json", "--store", store));

{
  const viewer = await view(store);
  const at = await page();
  await at.goto(viewer.address);
  await at.waitForSelector("#runs tbody a");
  const paint = await at.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  say("first paint", `${(paint / 1000).toFixed(2)} s`, "below 0.3 s");

  await at.goto(`${viewer.address}#/run/${run.key}`);
  await at.waitForSelector("canvas.cloud");
  await at.selectOption("select:has(option[value='2000'])", "2000");
  const slider = at.locator(".sliders input").first();
  await until(
    async () =>
      (await slider.getAttribute("max")) === "60" &&
      !(await at.textContent("main")).includes("of 61 checkpoints"),
    "all checkpoints",
    300000,
  );
  await at.waitForTimeout(1000);
  const rate = await at.evaluate(async () => {
    const [checkpoint, timestep] = document.querySelectorAll(".sliders input");
    let frames = 0;
    const start = performance.now();
    while (performance.now() - start < 4000) {
      const moved = frames % 2 ? checkpoint : timestep;
      moved.value = String((Number(moved.value) + 1) % (Number(moved.max) + 1));
      moved.dispatchEvent(new Event("input"));
      await new Promise(requestAnimationFrame);
      frames += 1;
    }
    return (frames * 1000) / (performance.now() - start);
  });
  say("scrubbing 2,000 points, 11 timesteps, 61 checkpoints", `${rate.toFixed(0)} frames/s`, "60 frames/s");
  await at.context().close();

  // before and after, because other programs may be busy
  const alone = () => {
    const start = Date.now();
    const wanted = [
      "train",
      "gain=20",
      "seed=1",
      "epochs=60",
      "--rerun",
      "--store",
      store,
      "--quiet",
      "--jobs",
      "1",
    ];
    execFileSync(CONCERTINA, [...wanted, "--keep", "ends"], { stdio: "ignore" });
    return 60000 / (Date.now() - start);
  };
  const before = alone();
  const playing = await page();
  await playing.goto(`${viewer.address}#/playground?story=&network.gain=20&seed=1&pace=most`);
  await until(
    async () => (await playing.$eval("main", (main) => Number(main.dataset.pictures ?? 0))) > 0,
    "a picture",
  );
  await playing.click("#play");
  await playing.waitForTimeout(1000);
  const state = () =>
    playing.evaluate(() => [
      Number(document.querySelector(".facts b")?.textContent),
      Number(document.querySelector("main")?.dataset.pictures),
      performance.now(),
    ]);
  const [epoch, pictures, begun] = await state();
  await playing.waitForTimeout(6000);
  const [later, more, ended] = await state();
  const seconds = (ended - begun) / 1000;
  say(
    "pictures of a network in training",
    `${((more - pictures) / seconds).toFixed(1)} per second`,
    "10 per second",
  );
  await playing.context().close();
  const without = (before + alone()) / 2;
  const shown = (later - epoch) / seconds;
  say(
    "training while it is shown",
    `${shown.toFixed(1)} epochs/s, ${without.toFixed(1)} by itself, ${((100 * shown) / without).toFixed(0)}%`,
    "80%",
  );
  await viewer.stop();
}

/** Opens the table of the large store: when the first rows were there, and when all were. */
async function table(what) {
  const viewer = await view(path.resolve(many));
  const at = await page();
  const start = Date.now();
  const since = () => `${((Date.now() - start) / 1000).toFixed(1)} s`;
  await at.goto(viewer.address);
  await at.waitForSelector("#runs tbody a", { timeout: 600000 });
  say(`${what}: first rows`, since(), "a few seconds with an index");
  const key = await at.getAttribute("#runs tbody a", "href");
  const other = await page();
  const opened = Date.now();
  await other.goto(`${viewer.address}${key}`);
  await other.waitForSelector("canvas.cloud, .bad", { timeout: 600000 });
  say(
    `${what}: the page of a run meanwhile`,
    `${((Date.now() - opened) / 1000).toFixed(1)} s`,
    "not blocked",
  );
  await other.context().close();
  await until(async () => (await at.textContent("#progress")) === "", "all rows", 900000);
  say(`${what}: all rows, ${await at.textContent("#count")}`, since(), "once");
  for (const condition of ["gain = 20", "gain >= 50 and seed < 5000"]) {
    const took = [];
    let matched = 0;
    for (let time = 0; time < 7; time += 1) {
      const [ms, found] = await at.evaluate(async (text) => {
        const before = performance.now();
        const answer = await (await fetch(`api/runs?where=${encodeURIComponent(text)}&count=100`)).json();
        return [performance.now() - before, answer.matched];
      }, condition);
      took.push(ms);
      matched = found;
    }
    took.sort((one, other) => one - other);
    say(
      `${what}: filtered by ${condition}, ${matched} runs, median of seven`,
      `${(took[3] / 1000).toFixed(2)} s`,
      "below 0.3 s",
    );
  }
  await at.context().close();
  await viewer.stop();
}

if (many) {
  fs.rmSync(path.join(many, "index.parquet"), { force: true });
  await table("without an index");
  concertina("runs", "list", "--where", "seed = 0", "--store", path.resolve(many), "--quiet");
  await table("with an index");
}
await close();
process.exit();
