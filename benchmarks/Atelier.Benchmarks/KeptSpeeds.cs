using System.Globalization;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Tensors;

namespace Atelier.Benchmarks;

/// <summary>
/// What both sides of comparisons achieved, kept in a file as it comes, so that a long measurement may be broken off
/// and goes on where it was.
/// </summary>
internal sealed class KeptSpeeds
{
    // Another build is another thing to measure: its figures are kept apart.
    private static readonly string Place = Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}",
        $"speeds-{typeof(ComputeDevice).Module.ModuleVersionId:N}-{typeof(KeptSpeeds).Module.ModuleVersionId:N}.json");

    private readonly Dictionary<string, List<Round>> _rounds = File.Exists(Place)
        ? JsonSerializer.Deserialize<Dictionary<string, List<Round>>>(File.ReadAllBytes(Place))!
        : [];

    /// <summary>Measures a comparison, unless so many rounds of it are kept.</summary>
    public void Measure(Comparison comparison, int round)
    {
        if (!_rounds.TryGetValue(comparison.Name, out List<Round>? kept))
            _rounds[comparison.Name] = kept = [];
        if (kept.Count >= round)
            return;
        (double ours, double peer) = comparison.Once();
        kept.Add(new Round(ours, peer));
        Directory.CreateDirectory(Path.GetDirectoryName(Place)!);
        AtomicFile.WriteText(Place, JsonSerializer.Serialize(_rounds));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{comparison.Name}, round {round}: ours {ours:N0} {comparison.Unit}, peer {peer:N0}, ratio "
                + $"{ours / peer:0.00}"));
    }

    /// <summary>The medians of a comparison's rounds.</summary>
    public (double Ours, double Peer) Of(Comparison comparison)
    {
        List<Round> rounds = _rounds[comparison.Name];
        return (Comparison.Median(rounds.Select(r => r.Ours)), Comparison.Median(rounds.Select(r => r.Peer)));
    }

    private sealed record Round(double Ours, double Peer);
}
