using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Evaluation;

/// <summary>
/// Data from another source to evaluate a finished model on. All of them are used, and read as the model's recipe
/// prescribes.
/// </summary>
/// <param name="Source">A file, a folder, the name of a catalogue entry or a world.</param>
/// <param name="Recipe">The recipe of the model's run; the default recipe for a bundle without a run.</param>
/// <param name="Bundle">The bundle of the model.</param>
/// <param name="Learned">The folder of the prepared data that the model was trained on, to which baselines are fitted;
/// null if it does not exist.</param>
/// <param name="Folder">The folder to write the prepared data to.</param>
/// <param name="Seed">The seed of a world's documents.</param>
public sealed record OtherData(string Source, Recipe Recipe, Bundle Bundle, string? Learned, string Folder, long Seed)
{
    /// <summary>The data section of the recipe with this source, all of it as test part.</summary>
    public DataSection Section => Recipe.Data with
    {
        Validation = null,
        Test = null,
        Source = Source,
        Split = new SplitSection { Train = 0, Validation = 0, Test = 1, Shuffle = false },
    };

    /// <summary>
    /// Whether this is the source that the model was trained on, a part of it, or a folder that contains it. Always
    /// false for a world, whose documents depend on the seed.
    /// </summary>
    public bool IsLearnedSource
    {
        get
        {
            string own = FullPath(Source), trained = FullPath(Recipe.Data.Source);
            return Learned is not null && !Source.StartsWith("world:", StringComparison.Ordinal)
                && (own.StartsWith(trained, StringComparison.Ordinal)
                    || trained.StartsWith(own, StringComparison.Ordinal));
        }
    }

    private static string FullPath(string source) =>
        (Path.Exists(source) ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(source)) : source)
        + Path.DirectorySeparatorChar;
}
