using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Server.Serving;

namespace Atelier.Server.Api;

/// <summary>The body of a request to continue texts.</summary>
internal sealed record CompletionFields : TextFields
{
    /// <summary>A text, a list of texts, a list of tokens, or a list of lists of tokens.</summary>
    public JsonElement? Prompt { get; init; }

    /// <summary>Whether the answer begins with the prompt.</summary>
    public bool? Echo { get; init; }

    /// <summary>
    /// The number of most probable tokens at each place, from 0 to 20; null for no log-probabilities.
    /// </summary>
    public int? Logprobs { get; init; }
}

/// <summary>POST /v1/completions: the continuation of texts.</summary>
internal sealed class CompletionsEndpoint(ModelStore models)
{
    private const int MostAlternatives = 20;
    private static readonly string[] Ignored = ["user"];

    public async Task InvokeAsync(HttpContext context)
    {
        CompletionFields body = await RequestBody.ReadAsync<CompletionFields>(context, Ignored).ConfigureAwait(false);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ITextGenerator generator = lease.Model.As<ITextGenerator>()
            ?? throw ApiException.Invalid("model", $"the model '{body.Model}' does not write text");
        if (body.Logprobs is < 0 or > MostAlternatives)
            throw ApiException.Invalid("logprobs",
                FormattableString.Invariant($"logprobs is {body.Logprobs}; allowed: 0 to {MostAlternatives}"));
        Prompt[] prompts = [.. Prompts(body.Prompt).Select(prompt => prompt.Counted(generator))];
        if (prompts.Length * body.Count() > TextFields.MostSamples)
            throw ApiException.Invalid("n", FormattableString.Invariant(
                $"{prompts.Length} prompts, {body.Count()} answers each; allowed in all: {TextFields.MostSamples}"));
        long seed = body.Seed ?? Random.Shared.NextInt64();
        GenerationRequest[] requests = [.. prompts.Select((prompt, i) => Request(body, generator, prompt, seed + i))];
        var answer = new TextAnswer(generator, requests, prompts.Sum(prompt => prompt.Tokens));
        string[] beginnings = [.. prompts.Select(prompt => body.Echo == true ? prompt.Shown(generator) : "")];
        string id = "cmpl-" + Identifiers.New();
        if (body.Stream == true)
            await EventStream.WriteAsync(context,
                Events(body, generator, answer, beginnings, lease, id, context.RequestAborted)).ConfigureAwait(false);
        else
            await JsonAnswer.WriteAsync(context,
                await WholeAsync(body, generator, answer, beginnings, lease, id, context.RequestAborted)
                    .ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async Task<JsonObject> WholeAsync(CompletionFields body, ITextGenerator generator,
        TextAnswer answer, string[] beginnings, ModelLease lease, string id, CancellationToken cancellation)
    {
        StringBuilder[] texts = [.. Enumerable.Range(0, answer.Count)
            .Select(i => new StringBuilder(beginnings[i / answer.CountOfEach]))];
        List<TokenChoice>[] tokens = [.. texts.Select(_ => new List<TokenChoice>())];
        var reasons = new string?[answer.Count];
        await foreach ((int sample, TextPiece piece) in answer.StreamAsync(lease, cancellation).ConfigureAwait(false))
        {
            texts[sample].Append(piece.Text);
            reasons[sample] = TextAnswer.Reason(piece) ?? reasons[sample];
            if (piece.Token is { } choice)
                tokens[sample].Add(choice);
        }
        return Envelope(id, body.Model!, new JsonArray([.. texts.Select((text, i) =>
        {
            int offset = beginnings[i / answer.CountOfEach].Length;
            return (JsonNode)Choice(i, text.ToString(), reasons[i], body.Logprobs is null ? null
                : TokenProbabilities.ForCompletion(TextAnswer.TokenizerOf(generator), tokens[i], ref offset));
        })]), answer.Usage);
    }

    private static async IAsyncEnumerable<JsonObject> Events(CompletionFields body, ITextGenerator generator,
        TextAnswer answer, string[] beginnings, ModelLease lease, string id,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        int[] offsets = [.. Enumerable.Range(0, answer.Count).Select(i => beginnings[i / answer.CountOfEach].Length)];
        var hasBegun = new bool[answer.Count];
        await foreach ((int sample, TextPiece piece) in answer.StreamAsync(lease, cancellation).ConfigureAwait(false))
        {
            bool tells = body.Logprobs is not null && piece.Token is not null;
            string text = hasBegun[sample] ? piece.Text : beginnings[sample / answer.CountOfEach] + piece.Text;
            hasBegun[sample] = true;
            if (text.Length > 0 || piece.FinishReason is not null || tells)
                yield return Envelope(id, body.Model!, [Choice(sample, text, TextAnswer.Reason(piece), !tells ? null
                    : TokenProbabilities.ForCompletion(TextAnswer.TokenizerOf(generator), [piece.Token!.Value],
                        ref offsets[sample]))], usage: null);
        }
        if (body.IncludesUsage)
            yield return Envelope(id, body.Model!, [], answer.Usage);
    }

    private static JsonObject Choice(int index, string text, string? reason, JsonObject? probabilities) => new()
    {
        ["text"] = text, ["index"] = index, ["logprobs"] = probabilities, ["finish_reason"] = reason,
    };

    private static JsonObject Envelope(string id, string model, JsonArray choices, JsonObject? usage)
    {
        var json = new JsonObject
        {
            ["id"] = id, ["object"] = "text_completion", ["created"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            ["model"] = model, ["choices"] = choices,
        };
        if (usage is not null)
            json["usage"] = usage;
        return json;
    }

    private static GenerationRequest Request(CompletionFields body, ITextGenerator generator, Prompt prompt,
        long seed)
    {
        int most = generator is TextGenerator text
            ? ContextLimit.MostTokens(text.Model.ContextLength, prompt.Tokens, body.MaxTokens, generator.Defaults,
                "prompt")
            : body.MaxTokens ?? generator.Defaults.MaxTokens;
        return new GenerationRequest
        {
            Count = body.Count(), Seed = seed, Prompt = prompt.Text, PromptIds = prompt.Ids,
            Alternatives = body.Logprobs ?? 0, Decoding = body.Decoding(generator.Defaults, most),
        };
    }

    private static IReadOnlyList<Prompt> Prompts(JsonElement? field)
    {
        JsonElement prompt = field ?? default;
        Prompt[] prompts = prompt.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => [new Prompt("", null)],
            JsonValueKind.String => [new Prompt(prompt.GetString()!, null)],
            JsonValueKind.Array when prompt.EnumerateArray().All(one => one.ValueKind == JsonValueKind.Number) =>
                [Prompt.OfTokens(prompt)],
            JsonValueKind.Array => [.. prompt.EnumerateArray().Select(one => one.ValueKind == JsonValueKind.String
                ? new Prompt(one.GetString()!, null) : Prompt.OfTokens(one))],
            _ => throw Wrong(),
        };
        return prompts.Length is > 0 and <= TextFields.MostSamples ? prompts
            : throw ApiException.Invalid("prompt", FormattableString.Invariant(
                $"there are {prompts.Length} prompts; allowed: 1 to {TextFields.MostSamples}"));
    }

    private static ApiException Wrong() => ApiException.Invalid("prompt",
        "'prompt' is no text, list of texts, list of tokens or list of lists of tokens");

    /// <summary>A prompt: a text or tokens, and how many tokens it is.</summary>
    private sealed record Prompt(string? Text, IReadOnlyList<int>? Ids)
    {
        public int Tokens { get; private init; }

        public static Prompt OfTokens(JsonElement list) => list.ValueKind == JsonValueKind.Array
            && list.GetArrayLength() > 0
            && list.EnumerateArray().All(one => one.ValueKind == JsonValueKind.Number && one.TryGetInt32(out _))
            ? new Prompt(null, [.. list.EnumerateArray().Select(one => one.GetInt32())]) : throw Wrong();

        public Prompt Counted(ITextGenerator generator) => this with
        {
            Tokens = Ids?.Count ?? generator switch
            {
                TextGenerator text => text.Bounds.Begin(text.Tokenizer.Encode(Text!)).Length,
                SequenceToSequenceGenerator target => target.EncodeSource(Text!).Length,
                _ => 0,
            },
        };

        public string Shown(ITextGenerator generator) =>
            Text ?? TextAnswer.TokenizerOf(generator).DecodeText([.. Ids!]);
    }
}
