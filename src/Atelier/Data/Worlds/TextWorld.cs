namespace Atelier.Data.Worlds;

/// <summary>
/// Texts made from a seed, whose distribution is known: no model can reach a lower cross-entropy than the world's
/// entropy, on average.
/// </summary>
public sealed class TextWorld
{
    private readonly TextGrammar _grammar;

    internal TextWorld(string name, string description, string rules)
    {
        Name = name;
        Description = description;
        _grammar = new TextGrammar(rules);
    }

    /// <summary>The name in recipes, such as "world:stories-en".</summary>
    public string Name { get; }

    /// <summary>A description in one line.</summary>
    public string Description { get; }

    /// <summary>
    /// The exact entropy in nats per character (Unicode scalar value), a document's end counted as one: the entropy of
    /// a document over its expected length, which is what total cross-entropy over total characters tends to at best.
    /// </summary>
    public double EntropyPerCharacter => _grammar.Entropy / (_grammar.ExpectedCharacters + 1);

    /// <summary>The exact entropy of a document in nats.</summary>
    public double EntropyPerDocument => _grammar.Entropy;

    /// <summary>Documents drawn independently; the n-th is a function of the seed and n.</summary>
    /// <param name="seed">The seed of the draws.</param>
    /// <param name="count">How many.</param>
    public IEnumerable<string> Documents(long seed, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)i));
            yield return _grammar.Draw(ref random);
        }
    }

    /// <summary>
    /// The exact log-probability of a document in nats, including its end; minus infinity for a document that the world
    /// does not generate.
    /// </summary>
    public double LogProbability(string document) => Math.Log(_grammar.Parse(document).Probability);

    /// <summary>
    /// The number of derivations of a document; 1 for each generated one, as the closed form of the entropy assumes.
    /// </summary>
    internal int Derivations(string document) => _grammar.Parse(document).Derivations;
}

/// <summary>The worlds of text there are.</summary>
public static class TextWorlds
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<TextWorld> All { get; } =
    [
        new("world:stories-en", "short stories in English about someone who meets an animal and comes home richer",
            StoriesEnglish.Rules),
        new("world:stories-zh", "short stories in Chinese about someone who meets an animal and comes home richer",
            StoriesChinese.Rules),
    ];

    /// <summary>The world of that name; null where there is none.</summary>
    public static TextWorld? Find(string source) => All.FirstOrDefault(world => world.Name == source);
}
