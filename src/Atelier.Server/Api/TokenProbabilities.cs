using System.Text;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Tokenizers;

namespace Atelier.Server.Api;

/// <summary>The log-probabilities of tokens in the two forms of OpenAI's API.</summary>
internal static class TokenProbabilities
{
    private const double Impossible = -9999; // OpenAI's number for a probability of 0, which JSON cannot write

    /// <summary>The form of chats, for one token.</summary>
    public static JsonObject ForChat(Tokenizer tokenizer, TokenChoice choice)
    {
        JsonObject json = One(tokenizer, choice);
        json["top_logprobs"] =
            new JsonArray([.. (choice.Alternatives ?? []).Select(other => (JsonNode)One(tokenizer, other))]);
        return json;
    }

    /// <summary>The form of completions, for the tokens of a piece or a whole sample.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">The number of characters before the first token; afterwards, before the next one.</param>
    public static JsonObject ForCompletion(Tokenizer tokenizer, IReadOnlyList<TokenChoice> tokens, ref int offset)
    {
        JsonArray names = [], logs = [], tops = [], offsets = [];
        foreach (TokenChoice choice in tokens)
        {
            string text = TextOf(tokenizer, choice.Id);
            names.Add(text);
            logs.Add(Finite(choice.LogProbability));
            offsets.Add(offset);
            offset += text.Length;
            var top = new JsonObject();
            foreach (TokenChoice other in choice.Alternatives ?? [])
                top[TextOf(tokenizer, other.Id)] = Finite(other.LogProbability);
            tops.Add(top);
        }
        return new JsonObject
        {
            ["tokens"] = names, ["token_logprobs"] = logs, ["top_logprobs"] = tops, ["text_offset"] = offsets,
        };
    }

    private static JsonObject One(Tokenizer tokenizer, TokenChoice choice) => new()
    {
        ["token"] = TextOf(tokenizer, choice.Id),
        ["logprob"] = Finite(choice.LogProbability),
        ["bytes"] = new JsonArray([.. tokenizer.Bytes(choice.Id).ToArray().Select(one => (JsonNode)(int)one)]),
    };

    private static string TextOf(Tokenizer tokenizer, int id)
    {
        ReadOnlySpan<byte> bytes = tokenizer.Bytes(id);
        return bytes.IsEmpty ? tokenizer.Name(id) : Encoding.UTF8.GetString(bytes);
    }

    private static double Finite(float logProbability) =>
        float.IsFinite(logProbability) ? logProbability : Impossible;
}
