// How fast the viewer is, measured in the browser. After tests/browser/run, which installs what it needs:
//   CONCERTINA=target/release/concertina node benches/viewer/measure.mjs [RUNS]
// It prints one line per measurement, with the target beside it. RUNS is the size of a made-up store, 100,000
// unless given.

import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { CONCERTINA, close, concertina, page, scratch, until, view } from "../../tests/browser/support.mjs";

const runs = Number(process.argv[2] ?? 100000);
const say = (what, value, target) => console.log(`${what}: ${value} (target: ${target})`);

/** A store of many runs: copies of one, with other seeds and gains. */
function many(count) {
  const [small, store] = [path.join(scratch, "one"), path.join(scratch, "many")];
  concertina(
    "train",
    "units=8",
    "input_dim=4",
    "train_samples=20",
    "clusters=4",
    "epochs=2",
    "--store",
    small,
    "--quiet",
  );
  const [run] = JSON.parse(concertina("runs", "list", "--json", "--store", small));
  const shown = JSON.parse(concertina("runs", "show", run.key, "--json", "--store", small));
  const params = fs.readFileSync(path.join(shown.folder, "params.toml"), "utf8");
  const others = ["history.parquet", "provenance.json"];
  fs.mkdirSync(path.join(store, "runs"), { recursive: true });
  fs.copyFileSync(path.join(small, "FORMAT"), path.join(store, "FORMAT"));
  let source = shown.folder;
  for (let place = 0; place < count; place += 1) {
    const key = crypto.createHash("sha256").update(String(place)).digest("hex");
    const folder = path.join(store, "runs", key.slice(0, 2), key);
    fs.mkdirSync(folder, { recursive: true });
    const gain = [5, 20, 100, 250][place % 4];
    fs.writeFileSync(
      path.join(folder, "params.toml"),
      params.replace(/^seed = 0/m, `seed = ${place}`).replace(/^gain = [\d.]+/m, `gain = ${gain}`),
    );
    for (const name of others) {
      // a file has at most 65,000 links
      if (place % 30000 === 0) fs.copyFileSync(path.join(shown.folder, name), path.join(folder, name));
      else fs.linkSync(path.join(source, name), path.join(folder, name));
    }
    if (place % 30000 === 0) source = folder;
  }
  return store;
}

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

  const start = Date.now();
  execFileSync(
    CONCERTINA,
    ["train", "gain=20", "seed=1", "epochs=60", "--store", store, "--quiet", "--jobs", "1", "--keep", "ends"],
    { stdio: "ignore" },
  );
  const alone = 60000 / (Date.now() - start);
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
  say(
    "training while it is shown",
    `${((later - epoch) / seconds).toFixed(1)} epochs/s, ${alone.toFixed(1)} by itself`,
    "80%",
  );
  await viewer.stop();
}

{
  const viewer = await view(many(runs));
  const at = await page();
  let start = Date.now();
  await at.goto(viewer.address);
  await at.waitForSelector("#runs tbody a", { timeout: 600000 });
  say(`first table of ${runs} runs`, `${((Date.now() - start) / 1000).toFixed(1)} s`, "once");
  await until(async () => (await at.textContent("#count")).includes("run"), "counted");
  for (const condition of ["gain = 20", "gain >= 100 and seed < 50000"]) {
    const took = await at.evaluate(async (text) => {
      const before = performance.now();
      const answer = await (await fetch(`api/runs?where=${encodeURIComponent(text)}&count=100`)).json();
      return [performance.now() - before, answer.matched];
    }, condition);
    say(`filtered by ${condition}, ${took[1]} runs`, `${(took[0] / 1000).toFixed(2)} s`, "below 0.3 s");
  }
  await viewer.stop();
}
await close();
process.exit();
