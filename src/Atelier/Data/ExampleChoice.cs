using Atelier.Data.Text.Reading;

namespace Atelier.Data;

/// <summary>The examples that are trained on: the files of each part, and a number of their examples.</summary>
internal static class ExampleChoice
{
    /// <summary>
    /// Returns the files of the training, validation and test part by their names; null unless each file is named for a
    /// part and there is one for training.
    /// </summary>
    public static IEnumerable<string>[]? Parts(IReadOnlyList<string> files)
    {
        string[] Files(params string[] names) => [.. files.Where(file => names.Any(name =>
            Path.GetFileName(file).Contains(name, StringComparison.OrdinalIgnoreCase)))];
        string[][] parts = [Files("train"), Files("dev", "valid"), Files("test")];
        return files.Count > 1 && parts[0].Length > 0 && parts.Sum(part => part.Length) == files.Count ? parts : null;
    }

    /// <summary>
    /// Returns some of the examples, chosen at random by the seed; all of them without a number. Smaller choices of the
    /// same seed are the beginnings of larger ones.
    /// </summary>
    public static List<T> Of<T>(List<T> examples, int? count, long seed, ReadingReport report)
    {
        if (count is not { } most)
            return examples;
        if (most > examples.Count)
            report.Note($"There are {examples.Count} training examples, fewer than data.examples, which is {most}.");
        ulong stream = SplitMix64.At((ulong)seed, 3); // not the numbers of the split
        return [.. examples.Index().OrderBy(example => SplitMix64.At(stream, (ulong)example.Index)).Take(most)
            .Select(example => example.Item)];
    }
}
