// Walks the page on which models are made: data, what is in them, what to make, and its recipe.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import * as data from "../mock/data.mjs";
import * as trainer from "../mock/trainer.mjs";
import { assertAccessible, assertFits, drop, on, options } from "./browser.mjs";

const KINDS = ["text", "table", "series", "tagged", "images", "pairs", "audio", "video"];
const LOOKS = [
  ["wide and dark", { colorScheme: "dark", viewport: { width: 1440, height: 900 } }],
  ["narrow and light", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
];
const file = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

beforeEach(() => {
  data.reset();
  trainer.reset();
});

const use = (page, name) => page.getByRole("button", { name: `Use ${name}`, exact: true }).click();
const yaml = (page) => page.getByRole("textbox", { name: "The recipe as YAML" });
const valueOf = (page, wanted) => page.waitForFunction(
  (text) => document.querySelector("textarea")?.value.includes(text), wanted);

async function toRecipe(page, name = "letters") {
  await use(page, name);
  await page.getByRole("link", { name: "Choose what to make" }).click();
  await page.getByRole("button", { name: "See the recipe" }).click();
  await page.getByLabel("Hidden size").waitFor();
}

for (const [name, settings] of LOOKS) {
  test(`axe finds nothing on any step and any kind of data, and all fit: ${name}`, options, async () => {
    await on("#/make", async (page) => {
      await page.getByText("Built-in recipes").click();
      await assertAccessible(page, "the data");
      await use(page, "survey.csv");
      for (const kind of KINDS) {
        await page.getByLabel("Read as").selectOption(kind);
        await page.getByRole("link", { name: "Choose what to make" }).waitFor();
        await assertAccessible(page, kind);
        await assertFits(page, kind);
      }
      await page.getByLabel("Read as").selectOption("table");
      await page.getByRole("link", { name: "Choose what to make" }).click();
      await page.getByRole("heading", { name: "What is advised" }).waitFor();
      await assertAccessible(page, "the families");
      await page.getByRole("button", { name: "See the recipe" }).click();
      await page.getByLabel("Hidden size").waitFor();
      for (const more of await page.getByText("More keys").all()) await more.click();
      await yaml(page).fill("model:\n  hiddenSize: -1");
      await page.getByText("Errors in the recipe: 1").waitFor();
      await assertAccessible(page, "the recipe");
      await assertFits(page, "the recipe");
    }, { settings });
  });
}

test("files are uploaded by the button, and what is in them is shown", options, async () => {
  await on("#/make", async (page) => {
    await page.locator("input[type=file]").first().setInputFiles([file("a.txt", "one"), file("b.txt", "two")]);
    await page.getByRole("heading", { name: "What is in files" }).waitFor();
    await page.getByText("Once upon a time").first().waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H2");
  });
  assert.deepEqual(data.list()[0].paths, ["a.txt", "b.txt"]);
});

test("of a folder, the subfolders are the classes, and hidden files stay behind", options, async () => {
  const folder = await mkdtemp(join(tmpdir(), "studio-"));
  try {
    for (const name of ["cats", "dogs"]) {
      await mkdir(join(folder, "pets", name), { recursive: true });
      await writeFile(join(folder, "pets", name, "1.png"), name);
    }
    await writeFile(join(folder, "pets", ".DS_Store"), "");
    await on("#/make", async (page) => {
      await page.locator("input[webkitdirectory]").setInputFiles(join(folder, "pets"));
      await page.getByRole("heading", { name: "What is in pets" }).waitFor();
    });
  } finally {
    await rm(folder, { recursive: true });
  }
  assert.deepEqual([...data.list()[0].paths].sort(), ["cats/1.png", "dogs/1.png"]);
});

test("dropped files are uploaded; wrong and too large ones are refused, and nothing is lost", options, async () => {
  await on("#/make", async (page) => {
    await drop(page, "program.exe", "x");
    await page.getByRole("alert").getByText("the file program.exe is of no kind that can be read").waitFor();
    await assertAccessible(page, "a refusal");
    await drop(page, "huge.txt", "x", 21e6);
    await page.getByText("The files have 21 MB together, and this server takes at most 20 MB.").waitFor();
    await drop(page, "story.txt", "x");
    await page.getByRole("heading", { name: "What is in story.txt" }).waitFor();
  }, { expected: /400/ });
});

test("an upload shows its progress, and can be cancelled", options, async () => {
  await on("#/make", async (page) => {
    const held = (route) => (route.request().method() === "POST" ? undefined : route.continue());
    await page.route("**/v1/atelier/data", held);
    await page.locator("input[type=file]").first().setInputFiles([file("a.txt", "one")]);
    await page.getByRole("progressbar").waitFor();
    await assertAccessible(page, "an upload");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Choose files" }).waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
  });
});

test("an upload is deleted after a question", options, async () => {
  await on("#/make", async (page) => {
    await page.getByRole("button", { name: "Delete letters" }).click();
    await page.getByRole("dialog").getByText("The files of letters").waitFor();
    await assertAccessible(page, "the question");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Delete letters" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete letters" }).waitFor({ state: "detached" });
    assert.equal(await page.getByRole("button", { name: "Use survey.csv" }).count(), 1);
  });
  assert.equal(data.find("upload-91ab"), undefined);
});

test("data that are no such kind say so, and another kind can be chosen", options, async () => {
  await on("#/make", async (page) => {
    await use(page, "letters");
    await page.getByText("Repeated texts: 41. Empty texts: 3.").waitFor();
    await page.getByLabel("Read as").selectOption("series");
    await page.getByRole("alert").getByText("letters has no columns of numbers").waitFor();
    await page.getByLabel("Read as").selectOption("tagged");
    await page.getByText("NOUN").first().waitFor();
  }, { expected: /400/ });
});

test("form and text agree: each changes the other, and comments stay", options, async () => {
  await on("#/make", async (page) => {
    await toRecipe(page);
    await page.getByLabel("Layer count").fill("6");
    await page.keyboard.press("Tab");
    await valueOf(page, "layerCount: 6");
    assert.match(await yaml(page).inputValue(), /^# Chosen for letters/);
    await yaml(page).fill((await yaml(page).inputValue()).replace("hiddenSize: 128", "hiddenSize: 256"));
    await page.waitForFunction(() => [...document.querySelectorAll("input")].some(({ value }) => value === "256"));
    await page.getByRole("button", { name: "Reset model.hiddenSize" }).click();
    await page.waitForFunction(() => !document.querySelector("textarea").value.includes("hiddenSize"));
    assert.equal(await page.getByLabel("Hidden size").inputValue(), "");
    await page.getByLabel("Find a key").fill("no such key");
    await page.getByText("No key has these words.").waitFor();
    await page.getByLabel("Find a key").fill("clipnorm");
    await page.getByLabel("Clip norm").fill("2.5");
    await page.keyboard.press("Enter");
    await valueOf(page, "clipNorm: 2.5");
    await page.getByLabel("Find a key").fill("");
    await page.getByRole("combobox", { name: "Family" }).selectOption("rnn");
    await valueOf(page, "family: rnn");
  });
});

test("errors are shown on their line and at their field, and nothing can be started", options, async () => {
  await on("#/make", async (page) => {
    await toRecipe(page);
    await yaml(page).fill("model:\n  family: gpt\n  hiddenSize: 0");
    await page.getByText("Errors in the recipe: 1").waitFor();
    assert.equal(await page.locator(".gutter .wrong").innerText(), "3");
    assert.equal(await page.getByLabel("Hidden size").getAttribute("aria-invalid"), "true");
    assert.equal(await page.getByLabel("Hidden size").inputValue(), "0");
    assert.ok(await page.getByRole("button", { name: "Start training" }).isDisabled());
    await page.getByRole("button", { name: "Line 3" }).click();
    const selected = await yaml(page).evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd));
    assert.equal(selected, "  hiddenSize: 0");
    await yaml(page).fill("model\n  family: gpt");
    await page.getByText("The text cannot be read.").waitFor();
    assert.ok(await page.getByLabel("Hidden size").isDisabled());
    await yaml(page).fill("model:\n  family: gpt");
    await page.getByText("gpt on world:stories-en, 2000 steps").waitFor();
    await page.getByLabel("Layer count").fill("many");
    await page.keyboard.press("Tab");
    await page.getByText("model.layerCount is 'many'; a whole number is needed").first().waitFor();
    assert.equal(await page.getByLabel("Layer count").inputValue(), "many");
  });
});

test("edits survive a reload, and are not replaced without a question", options, async () => {
  await on("#/make", async (page) => {
    page.on("dialog", (dialog) => dialog.accept()); // the browser's own question before a reload
    await toRecipe(page);
    await yaml(page).fill("name: mine\nmodel:\n  family: rnn");
    await page.reload();
    await page.getByText("rnn on world:stories-en").waitFor();
    assert.equal(await yaml(page).inputValue(), "name: mine\nmodel:\n  family: rnn");
    await page.getByRole("link", { name: "Data" }).click();
    await use(page, "survey.csv");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("link", { name: "Recipe" }).click();
    assert.match(await yaml(page).inputValue(), /^name: mine/);
    await page.getByRole("button", { name: "Undo my changes" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Undo my changes" }).click();
    await valueOf(page, "name: letters");
    await page.getByRole("link", { name: "Data" }).click();
    await use(page, "survey.csv");
    await page.getByRole("heading", { name: "What is in survey.csv" }).waitFor();
  });
});

test("another family has another advice, and a training can start from a model", options, async () => {
  await on("#/make", async (page) => {
    await use(page, "letters");
    await page.getByRole("link", { name: "Choose what to make" }).click();
    await page.getByText("gpt on letters").waitFor();
    await page.getByRole("radio", { name: /ngram/ }).check();
    await page.getByText("ngram on letters").waitFor();
    await page.getByRole("radio", { name: /gpt/ }).check();
    await page.getByLabel("Start from").selectOption({ label: "stories-small" });
    await page.getByRole("button", { name: "See the recipe" }).click();
    await valueOf(page, "from: c3d4");
    await valueOf(page, "source: upload-91ab");
  });
});
