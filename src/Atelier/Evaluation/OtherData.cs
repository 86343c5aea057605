using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Evaluation;

/// <summary>Other data to evaluate a finished model on: all of it, read as the model's recipe prescribes.</summary>
/// <param name="Source">A file, a folder, a catalogue name or a world.</param>
/// <param name="Recipe">The recipe of the model's run; all defaults for a bundle alone.</param>
/// <param name="Bundle">The model.</param>
/// <param name="Learned">The folder of the prepared data that the model learned from, which baselines are counted on;
/// null where it is not there.</param>
/// <param name="Folder">Where to prepare the data.</param>
/// <param name="Seed">The seed of a world's documents.</param>
public sealed record OtherData(string Source, Recipe Recipe, Bundle Bundle, string? Learned, string Folder, long Seed)
{
    /// <summary>The recipe's data section with another source, all of it as the test part.</summary>
    public DataSection Section => Recipe.Data with
    {
        Source = Source, Split = new SplitSection { Train = 0, Validation = 0, Test = 1, Shuffle = false },
    };

    /// <summary>
    /// Whether this is the source that the model learned from, a part of it, or a folder that holds it. A world's
    /// documents follow from the seed, so that a world is none.
    /// </summary>
    public bool IsLearnedSource
    {
        get
        {
            string own = Place(Source), learned = Place(Recipe.Data.Source);
            return Learned is not null && !Source.StartsWith("world:", StringComparison.Ordinal)
                && (own.StartsWith(learned, StringComparison.Ordinal)
                    || learned.StartsWith(own, StringComparison.Ordinal));
        }
    }

    private static string Place(string source) =>
        (Path.Exists(source) ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(source)) : source)
            + Path.DirectorySeparatorChar;
}
