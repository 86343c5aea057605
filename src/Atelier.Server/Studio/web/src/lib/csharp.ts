import { origin } from "./api.svelte";
import type { RequestKind, Sent } from "./examples";
import type { Json, JsonObject } from "./types";

const DECODING = [
  "max_tokens", "temperature", "top_p", "top_k", "min_p", "typical_p", "repetition_penalty", "presence_penalty",
  "frequency_penalty", "pattern",
];

/** C# that sends a request: with OpenAI's SDK where it has the fields, otherwise with Atelier's Workshop. */
export function csharp({ kind, body }: Sent): string {
  if (kind === "chat") return chat(body);
  if (kind === "speech") return speech(body);
  return workshop(body, kind);
}

function client(): string {
  return [
    'var client = new OpenAIClient(new ApiKeyCredential("KEY"),',
    `    new OpenAIClientOptions { Endpoint = new Uri("${origin}/v1") });`,
  ].join("\n");
}

function chat(body: JsonObject): string {
  const messages = Array.isArray(body.messages) ? body.messages : [];
  const list = messages.map((message) => {
    const { role, content } = message as { role: string; content: string };
    return `    new ${role === "user" ? "User" : "Assistant"}ChatMessage(${literal(content)}),`;
  });
  const options: string[] = [];
  if (body.max_tokens !== undefined) options.push(`MaxOutputTokenCount = ${literal(body.max_tokens)}`);
  if (body.temperature !== undefined) options.push(`Temperature = ${literal(body.temperature)}f`);
  if (body.top_p !== undefined) options.push(`TopP = ${literal(body.top_p)}f`);
  const setting = options.length > 0 ? `, new ChatCompletionOptions { ${options.join(", ")} }` : "";
  return [
    client(),
    `ChatCompletion answer = await client.GetChatClient(${literal(body.model ?? "")}).CompleteChatAsync(`,
    "[",
    ...list,
    `]${setting});`,
    "Console.WriteLine(answer.Content[0].Text);",
  ].join("\n");
}

function speech(body: JsonObject): string {
  return [
    client(),
    `BinaryData sound = await client.GetAudioClient(${literal(body.model ?? "")}).GenerateSpeechAsync(`,
    `    ${literal(body.input ?? "")}, GeneratedSpeechVoice.Alloy,`,
    "    new SpeechGenerationOptions { ResponseFormat = GeneratedSpeechFormat.Wav });",
    'await File.WriteAllBytesAsync("speech.wav", sound.ToArray());',
  ].join("\n");
}

function workshop(body: JsonObject, kind: RequestKind): string {
  const areImages = kind === "images" || kind === "edits";
  const fields = [
    ["Prompt", areImages ? undefined : body.prompt],
    ["Class", areImages ? body.prompt || undefined : body.class],
    ["Count", body.n],
    ["Seed", body.seed],
    ["Seconds", body.seconds],
  ] as const;
  const lines = fields.flatMap(([name, value]) => (value === undefined ? [] : [`    ${name} = ${literal(value)},`]));
  lines.push(...map("Evidence", "string", body.evidence), ...map("States", "int", body.states));
  const files = [["From", body.image], ["Mask", body.mask]].flatMap(([name, file]) =>
    file === undefined ? [] : [`${String(name)} = ImageFiles.Load(${literal(file)})`],
  );
  const steps = assignments(body, ["sampler", "steps", "guidance", "strength"]);
  const drawing = [steps, ...files].filter(Boolean).join(", ");
  if (drawing) lines.push(`    Drawing = new SamplingOptions { ${drawing} },`);
  const decoding = assignments(body, DECODING);
  // a model of text has options of its own, of which the request changes some
  const usual = kind === "continue" ? "generator.Defaults with" : "new DecodingOptions";
  if (decoding) lines.push(`    Decoding = ${usual} { ${decoding} },`);
  if (body.input !== undefined) lines.push('    Input = new InputData(File.ReadAllBytes("FILE"), "FILE"),');
  return [
    'using var model = new Workshop().Open("RUN");',
    `var generator = model.Require<${kind === "continue" ? "ITextGenerator" : "IGenerator"}>();`,
    "var request = new GenerationRequest",
    "{",
    ...lines,
    "};",
    "await foreach (Sample sample in generator.GenerateAsync(request))",
    "    Console.WriteLine(sample.ToJson());",
  ].join("\n");
}

function assignments(body: JsonObject, fields: string[]): string {
  const given = fields.filter((field) => body[field] !== undefined);
  return given.map((field) => `${pascal(field)} = ${literal(body[field] ?? null)}`).join(", ");
}

function map(name: string, key: string, value: Json | undefined): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const entries = Object.entries(value).map(
    ([one, of]) => `[${key === "int" ? one : literal(one)}] = ${literal(String(of))}`,
  );
  return [`    ${name} = new Dictionary<${key}, string> { ${entries.join(", ")} },`];
}

function pascal(field: string): string {
  return field.replace(/(^|_)(\w)/g, (_all, _bar, letter: string) => letter.toUpperCase());
}

// JSON's escapes of strings are C#'s as well
function literal(value: Json): string {
  return JSON.stringify(value);
}
