using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tensors.Ranks;

namespace Atelier.Training.Distributed;

/// <summary>Checks that the ranks of a job do the same work, and lets them decide together.</summary>
internal static class RankAgreement
{
    private static readonly string?[] Reasons = [null, "time", "interrupted", "steps", "epochs", "early-stopping"];

    /// <summary>Checks that all ranks run the same build with the same recipe.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="recipe">The recipe of this rank.</param>
    /// <exception cref="AtelierException">A rank differs from rank 0; thrown on every rank.</exception>
    public static void Check(ICommunicator ranks, Recipe recipe) =>
        Check(ranks, $"{typeof(RankAgreement).Module.ModuleVersionId}", RecipeWriter.Write(recipe));

    /// <inheritdoc cref="Check(ICommunicator, Recipe)"/>
    /// <param name="ranks">The ranks.</param>
    /// <param name="build">The build of this rank.</param>
    /// <param name="recipe">The recipe of this rank, in YAML.</param>
    internal static void Check(ICommunicator ranks, string build, string recipe)
    {
        if (ranks.Size == 1)
            return;
        string[] builds = ranks.Gather(build), recipes = ranks.Gather(recipe);
        if (Different(builds) is { } other)
            throw new AtelierException($"rank {other} runs another build of Atelier than rank 0", Name(other),
                "install the same one on every machine");
        if (Different(recipes) is not { } rank)
            return;
        (string own, string first) = recipes[rank].Split('\n').Zip(recipes[0].Split('\n'))
            .FirstOrDefault(lines => lines.First != lines.Second);
        throw new AtelierException(
            $"rank {rank} has another recipe than rank 0: '{own?.Trim()}' instead of '{first?.Trim()}'", Name(rank),
            "start every rank with the same recipe and options");
    }

    /// <summary>Waits until rank 0 has prepared the data, and checks that all ranks see the same.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="folder">The folder of the prepared data.</param>
    /// <exception cref="AtelierException">A rank has others or none; thrown on every rank.</exception>
    public static void CheckData(ICommunicator ranks, string folder)
    {
        if (ranks.Size == 1)
            return;
        ranks.Barrier(); // until rank 0 has prepared them
        string[] data = ranks.Gather(Fingerprint(folder));
        if (Array.IndexOf(data, "") is var absent and >= 0)
            throw new AtelierException($"rank {absent} does not see the prepared data", folder,
                $"choose a folder on a file system that all machines share with {Mention.Field("out")}");
        if (Different(data) is { } rank)
            throw new AtelierException($"rank {rank} sees other prepared data than rank 0", folder,
                $"choose a folder on a file system that all machines share with {Mention.Field("out")}");
    }

    /// <summary>Returns why training must stop before the next step on any rank; null if it continues.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="reason">The reason on this rank, or null.</param>
    public static string? StopReason(ICommunicator ranks, string? reason)
    {
        if (ranks.Size == 1)
            return reason;
        long[] number = [Array.IndexOf(Reasons, reason)];
        ranks.Max(number);
        return Reasons[number[0]];
    }

    /// <summary>Returns the means over ranks of metrics that every rank measured on its own part.</summary>
    public static IReadOnlyDictionary<string, double> Mean(ICommunicator ranks,
        IReadOnlyDictionary<string, double> metrics)
    {
        if (ranks.Size == 1)
            return metrics;
        return ranks.Gather(JsonSerializer.SerializeToUtf8Bytes(metrics))
            .SelectMany(json => JsonSerializer.Deserialize<Dictionary<string, double>>(json)!)
            .GroupBy(metric => metric.Key, metric => metric.Value)
            .ToDictionary(group => group.Key, group => group.Average());
    }

    /// <summary>Returns the first rank whose value is not that of rank 0; null if there is none.</summary>
    private static int? Different(string[] values) =>
        Array.FindIndex(values, value => value != values[0]) is var at and >= 0 ? at : null;

    private static string Name(int rank) => string.Create(CultureInfo.InvariantCulture, $"rank {rank}");

    /// <summary>
    /// Returns the hash of the facts of prepared data, and of the names and sizes of their files; empty if there are
    /// none.
    /// </summary>
    private static string Fingerprint(string folder)
    {
        string facts = Path.Combine(folder, PreparedFacts.FileName);
        if (!File.Exists(facts))
            return "";
        var text = new StringBuilder(File.ReadAllText(facts));
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture,
                $"\n{Path.GetRelativePath(folder, file)} {new FileInfo(file).Length}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
