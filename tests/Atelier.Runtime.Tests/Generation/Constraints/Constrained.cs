using System.Text;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Constraints;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>
/// What the tests of constraints share: automata asked directly, and samples of random models over every kind of
/// tokenizer.
/// </summary>
internal static class Constrained
{
    private const string Text =
        "The cat sat on the mat, the dog on the log. {\"name\": \"x\", \"n\": 12.5, \"ok\": [true, false, null]} "
            + "2024-11-30 naïve 你好";

    public static IReadOnlyList<Tokenizer> Tokenizers { get; } =
    [
        CharacterTokenizer.Train([Text], byteFallback: false),
        CharacterTokenizer.Train([Text], byteFallback: true),
        new ByteTokenizer(),
        BpeTokenizer.Train([Text, Text], 320),
        SentencePiece(),
    ];

    /// <summary>Llama's kind, with merges that begin with a space and cross the borders of JSON's parts.</summary>
    public static SentencePieceTokenizer SentencePiece()
    {
        (string, string)[] merges = [("▁", "a"), ("▁", "{"), ("a", "b"), ("▁a", "b"), ("\"", ":"), ("▁", "▁"),
            ("t", "r"), ("tr", "u"), ("c", "a")];
        string[] names =
        [
            "<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"),
            .. "▁{}[]\":,.abcdefghijklmnopqrstuvwxyz0123456789-".Select(c => c.ToString()),
                .. merges.Select(m => m.Item1 + m.Item2),
        ];
        return new SentencePieceTokenizer(names, merges);
    }

    /// <summary>Whether a text follows a grammar, asked byte by byte.</summary>
    public static bool Accepts(Grammar grammar, string text)
    {
        ByteNetwork network = ByteNetwork.Build(grammar, null);
        return network.IsUseful[network.Starts[0]] && Accepts(new LazyAutomaton(network), text);
    }

    public static bool Accepts(LazyAutomaton automaton, string text)
    {
        ConstraintState state = automaton.Start;
        foreach (byte value in Encoding.UTF8.GetBytes(text))
            state = automaton.Step(state, value);
        return state.IsComplete;
    }

    /// <summary>Samples of a random chain of tokens that ended by themselves.</summary>
    public static async Task<List<string>> Ended(Tokenizer tokenizer, DecodingOptions options, int count = 20,
        string? prompt = null, int seed = 1)
    {
        using var generator = new TextGenerator(Chain(tokenizer, seed), tokenizer, options, tokenizer.EndOfTextId ?? 0);
        var texts = new List<string>();
        await foreach (TextSample sample in generator.GenerateAsync(new() { Count = count, Seed = seed,
            Prompt = prompt }))
        {
            if (sample.FinishReason == "end")
                texts.Add(sample.Text);
        }
        return texts;
    }

    private static MarkovModel Chain(Tokenizer tokenizer, int seed) =>
        MarkovModel.Random(tokenizer.VocabularySize, seed);
}
