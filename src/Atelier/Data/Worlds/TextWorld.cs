namespace Atelier.Data.Worlds;

/// <summary>
/// Generates texts from a seed by a known distribution. On average, no model can reach a cross-entropy below the
/// entropy of that distribution.
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

    /// <summary>The name that recipes use, such as "world:stories-en".</summary>
    public string Name { get; }

    /// <summary>A description in one line.</summary>
    public string Description { get; }

    /// <summary>
    /// The exact entropy in nats per character (Unicode scalar value), where the end of a document counts as one
    /// character: the entropy of a document divided by its expected length. The total cross-entropy of the best model,
    /// divided by the total number of characters, tends to it.
    /// </summary>
    public double EntropyPerCharacter => _grammar.Entropy / (_grammar.ExpectedCharacters + 1);

    /// <summary>The exact entropy of a document in nats.</summary>
    public double EntropyPerDocument => _grammar.Entropy;

    /// <summary>Draws independent documents. Document n depends only on the seed and n.</summary>
    /// <param name="seed">The random seed.</param>
    /// <param name="count">The number of documents.</param>
    public IEnumerable<string> Documents(long seed, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)i));
            yield return _grammar.Draw(ref random);
        }
    }

    /// <summary>
    /// Returns the exact log-probability of a document in nats, including its end; minus infinity for a document that
    /// the world never generates.
    /// </summary>
    public double LogProbability(string document) => Math.Log(_grammar.Parse(document).Probability);

    /// <summary>
    /// Returns the number of derivations of a document. It must be 1 for each generated document, as the closed form of
    /// the entropy assumes.
    /// </summary>
    internal int Derivations(string document) => _grammar.Parse(document).Derivations;
}

/// <summary>The list of text worlds.</summary>
public static class TextWorlds
{
    /// <summary>All text worlds.</summary>
    public static IReadOnlyList<TextWorld> All { get; } =
    [
        new("world:stories-en", "short stories in English about someone who meets an animal and comes home richer",
            StoriesEnglish.Rules),
        new("world:stories-zh", "short stories in Chinese about someone who meets an animal and comes home richer",
            StoriesChinese.Rules),
    ];

    /// <summary>Returns the world with the given name; null if there is none.</summary>
    public static TextWorld? Find(string source) => All.FirstOrDefault(world => world.Name == source);
}
