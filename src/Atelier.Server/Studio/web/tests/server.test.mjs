// Walks the Studio of a real server, which build/walk-studio starts: ATELIER_URL is its address, with the models
// "stories" and "shapes" and an empty folder of runs, and ATELIER_RATERS the links of two people who rate pairs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { assertAccessible, assertFits, drop, on, options } from "./browser.mjs";

const LARGEST_LOAD = 150_000; // bytes
const LONGEST_INTERACTION = 100; // milliseconds, as people notice longer ones
const QUESTIONS = 20;
const base = process.env.ATELIER_URL;
const raters = (process.env.ATELIER_RATERS ?? "").split(" ").filter(Boolean);

/** Notes how long each click and key took: the page's own work, and all until the next picture is on the screen. */
async function observe(page) {
  await page.evaluate(() => {
    window.interactions = [];
    new PerformanceObserver((list) => {
      for (const { interactionId, duration, processingStart, processingEnd } of list.getEntries())
        if (interactionId) window.interactions.push({ whole: duration, own: processingEnd - processingStart });
    }).observe({ type: "event", durationThreshold: 16 });
  });
}

/** Drawing the picture depends on what else the machine does, so that only the page's own work is held to a limit. */
async function assertQuick(page, t, name) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))));
  const all = await page.evaluate(() => window.interactions);
  const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const own = median(all.map((one) => one.own)), whole = median(all.map((one) => one.whole));
  t.diagnostic(`${name}: half of the interactions within ${own.toFixed(1)} ms, ${whole} ms with the screen's part`);
  assert.ok(own < LONGEST_INTERACTION, `${name}: ${own} ms`);
}

/** Lets a model continue a text, and looks at the probabilities of one of its tokens. */
async function generate(page) {
  await page.getByLabel("Prompt").fill("Once upon");
  await page.getByLabel("Maximum tokens").fill("40");
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await page.getByText(/ended by itself|reached the maximum length/).waitFor();
  await page.locator("[data-index='3']").click();
  const card = page.getByRole("group", { name: /The token/ });
  await card.waitFor();
  assert.match(await card.innerText(), /\d%/);
}

test("the first load is small", options, async (t) => {
  const loaded = [];
  await on("#/", async (page) => {
    await page.route("**/*", (route) => route.continue()); // without the cache
    page.on("response", (response) => loaded.push(response));
    await page.reload();
    await page.getByRole("link", { name: "stories" }).first().waitFor();
    const files = loaded.filter((response) => !new URL(response.url()).pathname.startsWith("/v1/"));
    const sizes = await Promise.all(files.map(async (file) => gzipSync(await file.body()).length));
    const size = sizes.reduce((sum, one) => sum + one, 0);
    t.diagnostic(`${size} bytes, gzipped, of ${files.length} files`);
    assert.ok(files.length >= 3 && size < LARGEST_LOAD, `${size} bytes`);
  }, { base });
});

test("a text shows the probabilities of its tokens", options, async (t) => {
  await on("#/play/stories", async (page) => {
    await observe(page);
    await generate(page);
    await assertAccessible(page, "a text");
    for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowRight");
    await assertQuick(page, t, "a text");
  }, { base });
});

test("a model is made of a file that is dropped, watched, and talked to", options, async () => {
  const animals = ["cat", "dog", "fox", "hen", "owl"];
  const stories = Array.from({ length: 60 }, (_, i) =>
    `Once upon a time there was a ${animals[i % animals.length]}. It had ${i} friends, and they played all day.`);
  await on("#/make", async (page) => {
    await drop(page, "animals.txt", stories.join("\n\n"));
    await page.getByRole("heading", { name: "What is in animals.txt" }).waitFor();
    await page.getByText(/^Once upon a time there was a \w+\. It had \d+ friends/).first().waitFor();
    await assertAccessible(page, "the data");
    await page.getByRole("link", { name: "Choose what to make" }).click();
    await page.getByRole("radio", { name: /^gpt/ }).check();
    await page.getByRole("heading", { name: "What is advised" }).waitFor();
    await page.getByRole("button", { name: "See the recipe" }).click();

    for (const [key, value] of [["layer count", 1], ["head count", 2], ["hidden size", 32], ["steps", 40]]) {
      await page.getByLabel(key, { exact: true }).fill(String(value));
      await page.keyboard.press("Tab");
    }
    const yaml = page.getByRole("textbox", { name: "The recipe as YAML" });
    await page.waitForFunction(() => /hiddenSize: 32[^]*steps: 40/.test(document.querySelector("textarea").value));
    const quick = "training:\n  device: cpu\n  evaluateEvery: 20\n  sampleEvery: 20\n  reportEvery: 5\n";
    const text = (await yaml.inputValue()).replace("training:\n", quick);
    await yaml.fill(`${text.trimEnd()}\nevaluation:\n  samples: 0\n  bootstrapSamples: 10\n`);
    await page.waitForFunction(() => [...document.querySelectorAll("input")].some(({ value }) => value === "cpu"));
    await assertAccessible(page, "the recipe");
    await page.getByRole("button", { name: "Start training" }).click();

    await page.getByRole("heading", { name: /^animals/ }).waitFor();
    await page.getByRole("link", { name: "Play with it" }).waitFor();
    await page.getByText("40 / 40").waitFor();
    await page.getByRole("img", { name: /loss by step for animals/ }).waitFor();
    await assertAccessible(page, "the training");
    await page.getByRole("link", { name: "Play with it" }).click();
    await page.getByLabel("Temperature").fill("0"); // so that the text does not end by chance
    await generate(page);
    await page.getByText("Chat", { exact: true }).click();
    await page.getByLabel("Message").fill("Once upon a time");
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: "Model" }).locator("[data-index='3']").waitFor();
    await assertAccessible(page, "a chat");
  }, { base });
});

test("a picture is drawn, and a part of it is drawn anew", options, async (t) => {
  await on("#/play/shapes", async (page) => {
    await observe(page);
    await page.getByLabel("Class").selectOption("red-circle");
    await page.getByLabel("Count").fill("2");
    await page.getByRole("button", { name: "Generate" }).click();
    const picture = page.getByAltText("Generated image 2, class red-circle");
    await picture.waitFor();
    assert.equal(await picture.evaluate((image) => image.naturalWidth), 32);
    const before = await picture.getAttribute("src");
    await page.getByText("Edit an image").click();
    const buffer = Buffer.from(before.split(",")[1], "base64");
    await page.getByLabel("Image", { exact: true }).setInputFiles({ name: "a.png", mimeType: "image/png", buffer });
    await page.getByText("Paint a rectangle").click();
    await page.getByRole("button", { name: "Paint it" }).click();
    await page.getByText("50% painted over").waitFor();
    await page.getByRole("button", { name: "Generate" }).click();
    await page.waitForFunction((old) => {
      const image = document.querySelector("img[alt*='image 2']");
      return image && image.src !== old;
    }, before);
    await assertAccessible(page, "pictures");
    await assertQuick(page, t, "pictures");
  }, { base });
});

test("two people rate at the same time", options, async (t) => {
  assert.equal(raters.length, 2);
  await Promise.all(raters.map((link, number) => on(link, async (page) => {
    await observe(page);
    for (let i = 1; i <= QUESTIONS; i++) {
      await page.getByText(new RegExp(`Question ${i}(?!\\d)`)).waitFor();
      if (i === 1) await assertAccessible(page, "a question");
      await page.keyboard.press(String(1 + ((i + number) % 4)));
    }
    await page.getByText(`Question ${QUESTIONS + 1}`).waitFor();
    await assertQuick(page, t, `rater ${number + 1}`);
  }, { base })));
  const report = await (await fetch(`${base}v1/atelier/studies/study`)).json();
  assert.equal(report.raters, 2);
  const answers = await (await fetch(`${base}v1/atelier/studies/study/answers.csv`)).text();
  assert.equal(answers.trimEnd().split("\n").length, 1 + 2 * QUESTIONS, "a line of names, and one for each answer");
});

test("axe finds nothing on any page in Chinese, dark and narrow, and all fit", options, async () => {
  const settings = { colorScheme: "dark", locale: "zh-CN", viewport: { width: 390, height: 844 } };
  for (const route of ["#/", "#/play/stories", "#/play/shapes", "#/watch", "#/make", raters[0]]) {
    await on(route, async (page) => {
      await page.waitForLoadState("networkidle");
      assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
      await assertAccessible(page, route);
      await assertFits(page, route);
    }, { settings, base });
  }
});
