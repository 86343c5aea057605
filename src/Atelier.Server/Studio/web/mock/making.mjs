// The addresses of the mock for data, recipes and trainings.
import * as data from "./data.mjs";
import * as recipes from "./recipes.mjs";
import { refuse } from "./refusal.mjs";
import * as trainer from "./trainer.mjs";

const MOST_UPLOAD_BYTES = 20_000_000;

const found = (id) => data.find(id) ?? refuse(404, `there are no data '${id}'`, "data");

/** The answer to a request that is about making models; undefined if it is about anything else. */
export function answer(request, body, settings) {
  const { pathname, searchParams } = new URL(request.url, "http://mock");
  const [, , area, kind, id, action] = pathname.split("/").map(decodeURIComponent);
  if (area !== "atelier") return undefined;
  const is = (method, ...parts) =>
    request.method === method && parts.every((part, i) => part === [kind, id, action][i]);
  const ok = (json, status = 200) => ({ json, status });
  if (is("GET", "studio")) return ok({ trains: settings.trains, most_upload_bytes: MOST_UPLOAD_BYTES });
  if (is("GET", "data")) return ok(id ? data.preview(found(id), searchParams, refuse) : { data: data.list() });
  if (is("POST", "data")) return ok(data.add(body.form.getAll("file"), body.form.get("name"), refuse), 201);
  if (is("DELETE", "data")) return discard(id);
  if (is("GET", "families")) return ok({ families: recipes.families(searchParams.get("kind")) });
  if (is("POST", "advice")) return ok(recipes.advise(found(body.data), body.kind, body.family));
  if (is("GET", "recipes")) return ok({ recipes: recipes.builtIn() });
  if (is("POST", "recipes", "check")) return ok(recipes.check(body.recipe_yaml));
  if (is("POST", "recipes", "set")) {
    return ok({ recipe_yaml: recipes.change(body.recipe_yaml, body.key, body.value) });
  }
  if (is("POST", "runs", undefined)) return ok(trainer.begin(body.recipe_yaml, refuse), 202);
  if (is("POST", "runs", id, "stop")) {
    return trainer.stop(id) ? ok({}, 202) : refuse(409, `the run ${id} was not started by this server`);
  }
  if (is("POST", "runs", id, "resume")) return ok({}, trainer.resume(id, refuse) ?? 202);
  return undefined;
}

function discard(id) {
  const used = trainer.runs().some((run) => run.data === id && run.status === "running");
  if (used) refuse(409, `the training of ${found(id).name} runs; stop it first`);
  data.discard(found(id).id);
  return { json: null, status: 204 };
}
