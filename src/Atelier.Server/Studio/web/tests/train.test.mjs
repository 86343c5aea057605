// Walks trainings that are started from the pages: watched, stopped, resumed, waiting, failed; and the first tour.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as data from "../mock/data.mjs";
import { start } from "../mock/server.mjs";
import * as trainer from "../mock/trainer.mjs";
import { assertAccessible, assertFits, on, options, stop } from "./browser.mjs";

const FAST = 20;
const SLOW = 0.05;

beforeEach(() => {
  data.reset();
  trainer.reset(SLOW);
});

/** Opens a built-in recipe and starts it. */
async function train(page, text = null) {
  await page.getByRole("link", { name: "Make", exact: true }).click();
  await page.getByText("Built-in recipes").click();
  await page.getByRole("button", { name: "Open quickstart" }).click();
  if (text) await page.getByRole("textbox", { name: "The recipe as YAML" }).fill(text);
  await page.getByRole("button", { name: "Start training" }).click();
}

test("a training is started, stopped and resumed, and its model is played with", options, async () => {
  await on("#/", async (page) => {
    await train(page);
    await page.getByRole("heading", { name: "quickstart-1" }).waitFor();
    await page.getByRole("progressbar", { name: "Progress" }).waitFor();
    await page.getByText(/left · 24,000 tokens\/s/).waitFor();
    await page.getByRole("region", { name: "Log" }).getByText("reading world:stories-en").waitFor();
    await assertAccessible(page, "a training");
    await page.getByRole("button", { name: "Stop and save quickstart-1" }).click();
    await page.getByRole("button", { name: "Resume quickstart-1" }).waitFor();
    await assertAccessible(page, "a training that was stopped");
    await page.getByRole("button", { name: "Resume quickstart-1" }).click();
    await page.getByRole("button", { name: "Stop and save quickstart-1" }).waitFor();
    trainer.setPace(FAST);
    await page.getByRole("link", { name: "Play with it" }).click();
    await page.getByRole("heading", { name: "quickstart-1" }).waitFor();
    await page.getByRole("button", { name: "Generate", exact: true }).waitFor();
  });
});

test("a second training waits, and a full queue says so", options, async () => {
  await on("#/", async (page) => {
    await train(page);
    await page.getByRole("heading", { name: "quickstart-1" }).waitFor();
    await train(page);
    await page.getByText("Another training runs. This one starts when that has ended.").waitFor();
    await assertAccessible(page, "a training that waits");
    await train(page);
    await page.getByRole("heading", { name: "quickstart-3" }).waitFor();
    await train(page);
    await page.getByRole("alert").getByText("2 trainings wait already").waitFor();
  }, { expected: /409/ });
});

test("a failure has its line, and the recipe can be changed and started again", options, async () => {
  trainer.reset(FAST);
  const text = "name: wild\ndata:\n  source: world:stories-en\ntraining:\n  optimizer: {learningRate: 30}\n";
  await on("#/", async (page) => {
    await train(page, text);
    await page.getByRole("alert").getByText("the loss is not a number at step 400").waitFor();
    await assertAccessible(page, "a failure");
    await page.getByRole("button", { name: "Change and train again: wild-1" }).click();
    await page.getByLabel("Optimizer · learning rate").fill("0.003");
    await page.getByRole("button", { name: "Start training" }).click();
    await page.getByRole("heading", { name: "wild-2" }).waitFor();
    await page.getByRole("link", { name: "Play with it" }).waitFor();
  });
});

test("a path is refused at its field", options, async () => {
  await on("#/", async (page) => {
    await train(page, "data:\n  source: /etc/passwd\n");
    const message = "data.source is '/etc/passwd'; it must be an upload, a world or a data set";
    await page.getByRole("alert").getByText(message).waitFor();
    assert.equal(await page.getByRole("textbox", { name: "Source" }).getAttribute("aria-invalid"), "true");
  }, { expected: /400/ });
});

test("from data to a training with the keyboard alone", options, async () => {
  const press = async (page, name, role = "button") => {
    const wanted = page.getByRole(role, { name, exact: true });
    await wanted.waitFor();
    for (let i = 0; i < 150 && !(await wanted.evaluate((one) => one === document.activeElement)); i++) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
  };
  await on("#/make", async (page) => {
    await press(page, "Use world:stories-en");
    await press(page, "Choose what to make", "link");
    await page.getByText("gpt on world:stories-en").waitFor();
    await press(page, "See the recipe");
    await press(page, "Start training");
    await page.getByRole("heading", { name: "stories-en-1" }).waitFor();
  });
});

for (const [name, settings] of [
  ["wide and light", { colorScheme: "light", viewport: { width: 1440, height: 900 } }],
  ["narrow and dark", { colorScheme: "dark", viewport: { width: 390, height: 844 } }],
]) {
  test(`the tour leads from nothing to a judged sample by buttons: ${name}`, options, async () => {
    const empty = await start({ isEmpty: true, speed: 1 });
    const base = `http://127.0.0.1:${empty.address().port}/`;
    const look = async (page, step) => {
      await assertAccessible(page, step);
      await assertFits(page, step);
    };
    try {
      await on("#/", async (page) => {
        await page.getByRole("heading", { name: "Your first model" }).waitFor();
        await page.getByLabel(/world:stories-en/).waitFor();
        await look(page, "the beginning");
        await page.getByRole("button", { name: "Train a small model" }).click();
        await page.getByText("stories-en-1 is learning.").waitFor();
        await look(page, "the training");
        await page.reload(); // the tour goes on where it was
        await page.getByText("stories-en-1 is learning.").waitFor();
        trainer.setPace(FAST);
        await page.getByText("stories-en-1 has learned").waitFor();
        await page.getByRole("link", { name: "Play with it" }).click();
        await page.getByLabel("Prompt").waitFor();
        await page.getByRole("link", { name: "Home" }).click();
        await page.getByRole("button", { name: "Compare two samples" }).click();
        await page.getByRole("heading", { name: "Which output is better?" }).waitFor();
        await look(page, "the question");
        await page.getByRole("button", { name: "Left is better" }).click();
        await page.getByText("That was a judgement").waitFor();
        await look(page, "the end");
        await page.getByRole("button", { name: "End the tour" }).click();
        await page.getByRole("heading", { name: "Your first model" }).waitFor({ state: "detached" });
      }, { settings, base });
    } finally {
      stop(empty);
    }
  });
}
