// Walks every page of the built Studio on the mock server, in Chromium: CHROMIUM names its executable.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { answersOf, reset } from "../mock/ratings.mjs";
import { start } from "../mock/server.mjs";
import { assertAccessible, assertFits, on, options, stop } from "./browser.mjs";

const LIMIT = 150_000;
const FIRST_LOAD = ["index.html", "icon.svg", "assets/studio.js", "assets/studio.css"];
const ROUTES = [
  "#/", "#/play/story", "#/play/digits", "#/play/spoken", "#/play/lungs", "#/watch", "#/watch/a1b2,c3d4",
  "#/watch/c3d4", "#/watch/e5f6", "#/compare", "#/compare/story,tales", "#/compare/story,draft",
  "#/card", "#/card/c3d4", "#/card/e5f6",
  "#/understand", "#/understand/story", "#/understand/lungs", "#/understand/chain", "#/understand/latents",
  "#/rate/pairs", "#/rate/images", "#/rate/scales", "#/make",
];

beforeEach(reset);

async function generate(page, prompt) {
  await page.getByLabel("Prompt").fill(prompt);
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await page.getByText("ended by itself").waitFor();
}

test("the first load is small", async () => {
  const files = await Promise.all(FIRST_LOAD.map((name) => readFile(new URL(`../../dist/${name}`, import.meta.url))));
  const size = files.reduce((sum, file) => sum + gzipSync(file).length, 0);
  assert.ok(size < LIMIT, `${size} bytes`);
});

for (const [name, settings] of [
  ["wide and light", { colorScheme: "light" }],
  ["narrow, dark and Chinese", { colorScheme: "dark", locale: "zh-CN", viewport: { width: 390, height: 844 } }],
]) {
  test(`axe finds nothing on any page, and all fit: ${name}`, options, async () => {
    for (const route of ROUTES) {
      await on(route, async (page) => {
        await page.waitForLoadState("networkidle");
        await assertAccessible(page, route);
        await assertFits(page, route);
      }, { settings });
    }
  });
}

test("an answer is streamed, and another token begins a branch that can be left again", options, async () => {
  await on("#/play/story", async (page) => {
    await generate(page, "Once upon a time");
    const text = page.locator(".text");
    assert.match(await text.innerText(), /^Once upon a time there was a little girl/);
    await assertAccessible(page, "an answer");

    const third = page.locator("[data-index='2']");
    await third.hover();
    await page.getByRole("group", { name: /The token ␣a/ }).waitFor();
    await third.focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.hasAttribute("data-choice"));
    await assertAccessible(page, "the card of a token");

    const request = page.waitForRequest("**/v1/completions");
    await page.keyboard.press("Enter");
    assert.equal((await request).postDataJSON().prompt, "Once upon a time there was big");
    await page.getByRole("navigation", { name: "Branches" }).waitFor();
    await page.getByText("ended by itself").waitFor();
    assert.match(await text.innerText(), /^Once upon a time there was big there was/);

    await page.getByRole("navigation", { name: "Branches" }).getByRole("button").first().click();
    assert.match(await text.innerText(), /^Once upon a time there was a little/);
    await assertAccessible(page, "branches");
  });
});

test("arrow keys move between tokens, and escape closes the card", options, async () => {
  await on("#/play/story", async (page) => {
    await generate(page, "Once");
    await page.locator("[data-index='0']").focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-index")), "1");
    await page.keyboard.press("Escape");
    assert.equal(await page.getByRole("group", { name: /The token/ }).count(), 0);
  });
});

test("a message can be edited and sent again, and the first conversation is kept", options, async () => {
  await on("#/play/story", async (page) => {
    await page.getByText("Chat", { exact: true }).click();
    await page.getByLabel("Message").fill("Hello");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Message").first().fill("Good morning");
    const request = page.waitForRequest("**/v1/chat/completions");
    await page.getByRole("button", { name: "Send again" }).click();
    assert.deepEqual((await request).postDataJSON().messages, [{ role: "user", content: "Good morning" }]);
    await page.getByRole("navigation", { name: "Branches" }).getByRole("button", { name: "Hello" }).click();
    await page.getByRole("article", { name: "You" }).getByText("Hello").waitFor();
    await assertAccessible(page, "a chat");
  });
});

test("an error is shown next to the field that it is about", options, async () => {
  await on("#/play/story", async (page) => {
    await page.getByLabel("Top p").fill("7");
    await page.getByRole("button", { name: "Generate", exact: true }).click();
    await page.getByRole("alert").waitFor();
    const field = page.getByLabel("Top p");
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    const described = (await field.getAttribute("aria-describedby")).split(" ")[0];
    assert.equal(await page.locator(`[id="${described}"]`).innerText(), "top_p is 7; allowed: 0 to 1");
    await assertAccessible(page, "an error");
  }, { expected: /400/ });
});

test("images are generated with a seed that is shown, and enlarged by a click", options, async () => {
  await on("#/play/digits", async (page) => {
    await page.getByLabel("Class").selectOption("3");
    await page.getByLabel("Seed").fill("7");
    const request = page.waitForRequest("**/v1/images/generations");
    await page.getByRole("button", { name: "Generate" }).click();
    assert.deepEqual((await request).postDataJSON(), { model: "digits", prompt: "3", n: 8, seed: 7 });
    await page.getByText("Seed 7", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Enlarge image 2" }).click();
    await page.getByRole("dialog").getByAltText(/image 2, class 3/).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("summary", { hasText: "Copy as" }).click();
    await page.getByText("atelier generate RUN --class 3 --count 8 --seed 7 --out grid.png").waitFor();
    await assertAccessible(page, "images");
  });
});

test("a part of an image is painted over, by the brush or in figures, and generated anew", options, async () => {
  await on("#/play/digits", async (page) => {
    await page.getByText("Edit an image").click();
    const url = await page.evaluate(() => Object.assign(document.createElement("canvas"), {
      width: 20, height: 10,
    }).toDataURL());
    const buffer = Buffer.from(url.split(",")[1], "base64");
    await page.getByLabel("Image", { exact: true }).setInputFiles({ name: "a.png", mimeType: "image/png", buffer });
    await page.getByText("0% painted over").waitFor();
    await page.getByText("Paint a rectangle").focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Width").fill("10");
    await page.getByLabel("Height").fill("10");
    await page.getByRole("button", { name: "Paint it" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("50% painted over").waitFor();
    const canvas = page.getByRole("img", { name: "a.png: 50% painted over" });
    await assertAccessible(page, "a mask");
    const { x, y, width, height } = await canvas.boundingBox();
    await page.mouse.move(x + 0.725 * width, y + 0.1 * height);
    await page.mouse.down();
    await page.mouse.move(x + 0.725 * width, y + 0.9 * height);
    await page.mouse.up();
    await page.getByRole("img", { name: /a.png: (5[1-9]|6\d)% painted over/ }).waitFor();
    await page.evaluate(() => {
      const send = fetch;
      window.fetch = (path, init) => {
        window.form = init.body;
        return send(path, init);
      };
    });
    await page.getByRole("button", { name: "Generate" }).click();
    await page.getByRole("button", { name: "Enlarge image 2" }).waitFor();
    await page.locator("summary", { hasText: "Copy as" }).click();
    const sent = await page.evaluate(async () => {
      const mask = await createImageBitmap(window.form.get("mask")), canvas = new OffscreenCanvas(20, 10);
      canvas.getContext("2d").drawImage(mask, 0, 0);
      const alphas = [2, 11, 14].map((x) => canvas.getContext("2d").getImageData(x, 5, 1, 1).data[3]);
      return { alphas, image: window.form.get("image").name, prompt: window.form.get("prompt") };
    });
    assert.deepEqual(sent, { alphas: [0, 255, 0], image: "image.png", prompt: "" });
    await page.getByText(/atelier generate RUN --from image.png .* --mask mask.png --out grid.png/).waitFor();
  });
});

test("sounds of classes are played, and rows are generated with evidence", options, async () => {
  await on("#/play/spoken", async (page) => {
    await page.getByRole("button", { name: "Append 3" }).click();
    await page.getByRole("button", { name: "Append 1" }).click();
    const request = page.waitForRequest("**/v1/audio/speech");
    await page.getByRole("button", { name: "Generate" }).click();
    assert.equal((await request).postDataJSON().input, "3 1");
    await page.locator("audio").waitFor();
    await assertAccessible(page, "a sound");
  });
  await on("#/play/lungs", async (page) => {
    await page.getByLabel("Evidence").fill("smoke=no\nage=50");
    await page.getByLabel("Count").fill("4");
    await page.getByRole("button", { name: "Generate" }).click();
    await page.getByRole("cell", { name: "50" }).first().waitFor();
    assert.equal(await page.getByRole("row").count(), 5);
    await assertAccessible(page, "rows");
  });
});

test("runs are drawn over one another, and the address names them", options, async () => {
  await on("#/watch/c3d4", async (page) => {
    await page.locator("canvas").waitFor();
    await page.getByLabel("Show stories-large").check();
    await page.waitForFunction(() => decodeURIComponent(location.hash) === "#/watch/c3d4,a1b2");
    await page.getByText("stories-large · validation").waitFor();
    await page.getByLabel("Logarithmic scale").check();
    await page.getByLabel("Quantity").selectOption("learningRate");
    await page.getByRole("img", { name: "learning rate by step for stories-small, stories-large" }).waitFor();
    await assertAccessible(page, "curves");
  });
});

test("keys answer comparisons, and u takes an answer back", options, async () => {
  await on("#/rate/pairs", async (page) => {
    await page.getByText("Question 1").waitFor();
    await page.keyboard.press("1");
    await page.getByText("Question 2").waitFor();
    await page.keyboard.press("u");
    await page.getByText("Question 1").waitFor();
    await page.getByLabel("Reason").fill("1 u"); // keys in a field are text
    await page.getByText("Question 1").waitFor();
    await page.getByRole("button", { name: "Right is better" }).click();
    await page.getByText("Question 2").waitFor();
    await page.keyboard.press("ArrowUp");
    await page.getByText("Question 3").waitFor();
    await page.keyboard.press("4");
    await page.getByText("Thank you!").waitFor();
    await assertAccessible(page, "the end");
  });
  const [first, ...others] = answersOf("pairs");
  assert.deepEqual([first.choice, first.reason], ["right", "1 u"]);
  assert.deepEqual(others.map(({ choice }) => choice), ["tie", "both_bad"]);
  assert.ok(first.seconds >= 0 && first.left === "o0" && first.right === "o1");
});

test("scales send one answer for each rubric", options, async () => {
  await on("#/rate/scales", async (page) => {
    await page.getByRole("group", { name: "fluency" }).getByLabel("4").check();
    assert.ok(await page.getByRole("button", { name: "Submit" }).isDisabled());
    await page.getByRole("group", { name: "interest" }).getByLabel("2").check();
    await page.getByRole("button", { name: "Submit" }).click();
    await page.getByText("Question 2").waitFor();
  });
  const values = answersOf("scales").map(({ rubric, value }) => [rubric, value]);
  assert.deepEqual(values, [["fluency", 4], ["interest", 2]]);
});

test("theme and language are toggled and kept", options, async () => {
  await on("#/", async (page) => {
    await page.getByRole("button", { name: "Use the dark theme" }).click();
    await page.getByRole("button", { name: "中文" }).click();
    await page.reload();
    await page.getByRole("heading", { name: "模型与训练" }).waitFor();
    const { lang, dataset } = await page.evaluate(() => {
      const { lang, dataset } = document.documentElement;
      return { lang, dataset: { ...dataset } };
    });
    assert.deepEqual([lang, dataset.theme], ["zh-CN", "dark"]);
  }, { settings: { colorScheme: "light" } });
});

test("a key is asked for and sent; without models there is a guide", options, async () => {
  const locked = await start({ key: "secret", isEmpty: true, trains: false });
  const base = `http://127.0.0.1:${locked.address().port}/`;
  try {
    await on("#/", async (page) => {
      await page.getByLabel("API key").fill("secret");
      await assertAccessible(page, "the key");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("heading", { name: "First steps" }).waitFor();
      await page.getByText("atelier quickstart").waitFor();
      await page.getByText("This server starts no trainings").waitFor();
      assert.equal(await page.getByRole("link", { name: "Make" }).count(), 0);
      await assertAccessible(page, "the guide");
    }, { base, expected: /401/ });
  } finally {
    stop(locked);
  }
});
