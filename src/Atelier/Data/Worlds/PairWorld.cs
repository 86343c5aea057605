using Atelier.Data.Pairs;

namespace Atelier.Data.Worlds;

/// <summary>
/// Generates sentences and their translations from a seed, in English and Chinese. The words differ in order and
/// number, agree with each other and depend on their context, so that copying or translating word by word fails; each
/// sentence has exactly one translation, so that the best model translates all of them.
/// </summary>
public sealed class PairWorld
{
    private readonly bool _fromChinese;

    internal PairWorld(string name, string description, bool fromChinese)
    {
        Name = name;
        Description = description;
        _fromChinese = fromChinese;
    }

    /// <summary>All worlds of pairs.</summary>
    public static IReadOnlyList<PairWorld> All { get; } =
    [
        new("world:pairs-en-zh", "simple sentences in English and their translations into Chinese", fromChinese: false),
        new("world:pairs-zh-en", "simple sentences in Chinese and their translations into English", fromChinese: true),
    ];

    /// <summary>The name that recipes use, such as "world:pairs-en-zh".</summary>
    public string Name { get; }

    /// <summary>A description in one line.</summary>
    public string Description { get; }

    /// <summary>
    /// The share of exact matches of the best possible translator, 0 to 1. It is 1, because the translation is a
    /// function of the source.
    /// </summary>
    public double BestExactMatch => 1;

    /// <summary>Returns the world with the given name; null if there is none.</summary>
    public static PairWorld? Find(string source) => All.FirstOrDefault(world => world.Name == source);

    /// <summary>Draws independent pairs. Pair n depends only on the seed and n; a pair may occur twice.</summary>
    /// <param name="seed">The random seed. Both worlds translate the same sentences for the same seed.</param>
    /// <param name="count">The number of pairs.</param>
    public IEnumerable<TextPair> Pairs(long seed, int count)
    {
        for (int i = 0; i < count; i++)
        {
            (string english, string chinese) = new PairGrammar(SplitMix64.At((ulong)seed, (ulong)i)).Sentence();
            yield return _fromChinese ? new(chinese, english) : new(english, chinese);
        }
    }
}
