using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Atelier.Benchmarks;

/// <summary>What one side of a comparison achieved.</summary>
/// <param name="Value">In the comparison's unit; more is better.</param>
/// <param name="PeakMiB">The most memory the process held.</param>
/// <param name="Loss">A figure that shows both sides did the same work, where there is one.</param>
internal sealed record Measurement(double Value, double PeakMiB, double? Loss = null);

/// <summary>One work, done by ours and by a peer.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Description">What is done, and by whom.</param>
/// <param name="Unit">The unit of both values; more is better.</param>
/// <param name="Limit">The ratio to reach.</param>
/// <param name="Ours">Does the work once, in a process of its own.</param>
/// <param name="Peers">The peer's ways of doing it, each a script under peers/ with its arguments; the best
/// counts.</param>
internal sealed record Comparison(
    string Name, string Description, string Unit, double Limit, Func<Measurement> Ours, IReadOnlyList<string[]> Peers)
{
    /// <summary>What <c>work</c> calls the measurement of the roofline.</summary>
    public const string RooflineName = "roofline";

    private const int Resamplings = 2000;
    // a way that does less of its side's best speed is not measured after the first round
    private const double Hopeless = 2.0 / 3;

    /// <summary>Done once before both sides, unmeasured.</summary>
    public Action Prepare { get; init; } = () => { };

    /// <summary>
    /// Floating-point operations of one unit, where both sides are set beside the machine's fastest bf16 product.
    /// </summary>
    public double? FlopsPerUnit { get; init; }

    /// <summary>Alternates the two sides and prints each round, then one JSON line.</summary>
    public void Run(int rounds)
    {
        Prepare();
        var rooflines = new List<double>();
        var ours = new List<Measurement>();
        List<Measurement>[] peers = [.. Peers.Select(_ => new List<Measurement>())];
        for (int round = 1; round <= rounds; round++)
        {
            if (FlopsPerUnit is not null)
                rooflines.Add(MeasureOurs(RooflineName).Value);
            ours.Add(MeasureOurs(Name));
            var told = new List<string>();
            for (int i = 0; i < peers.Length; i++)
            {
                bool measured = IsWorthMeasuring(i, [.. peers.Select(p => p.Select(m => m.Value).ToList())]);
                if (measured)
                    peers[i].Add(MeasurePeer(Peers[i]));
                Measurement last = peers[i][^1];
                told.Add(string.Create(CultureInfo.InvariantCulture,
                    $"{last.Value:N0} ({LabelOf(Peers[i])}{last.PeakMiB:N0} "
                        + $"MiB{LossOf(last)}"
                        + $"{(measured ? "" : ", of an earlier round: more than a third below the best way")})"));
            }
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"round {round} of {rounds}: ours {ours[^1].Value:N0} {Unit} ({ours[^1].PeakMiB:N0} "
                    + $"MiB{LossOf(ours[^1])}); peer {string.Join(", ", told)}"));
        }
        List<Measurement> best = peers[Best([.. peers.Select(p => p.Select(m => m.Value).ToList())])];
        (double low, double high) = Spread([.. ours.Select(m => m.Value)], [.. best.Select(m => m.Value)]);
        double our = Median(ours.Select(m => m.Value)), peer = Median(best.Select(m => m.Value));
        double? perRoofline = FlopsPerUnit / (rooflines.Count > 0 ? Median(rooflines) : 1);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            name = Name, ours = our, peer, ratio = our / peer, low, high, unit = Unit, limit = Limit,
            oursPeakMiB = Median(ours.Select(m => m.PeakMiB)), peerPeakMiB = Median(best.Select(m => m.PeakMiB)),
            oursLoss = MedianLoss(ours), peerLoss = MedianLoss(best),
            oursShareOfRoofline = our * perRoofline, peerShareOfRoofline = peer * perRoofline,
        }));
    }

    /// <summary>One round: ours, and the peer's best way.</summary>
    public (double Ours, double Peer) Once()
    {
        Prepare();
        return (MeasureOurs(Name).Value, Peers.Max(peer => MeasurePeer(peer).Value));
    }

    /// <summary>The most memory this process held so far.</summary>
    public static double PeakMiB()
    {
        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / 1048576.0;
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Whether a side's way is measured again: not where it is far below the fastest of several.</summary>
    public static bool IsWorthMeasuring(int way, IReadOnlyList<List<double>> ways) =>
        ways.Count == 1 || ways[way].Count == 0
            || Median(ways[way]) >= Hopeless * ways.SelectMany(values => values).Max();

    /// <summary>The way whose median is highest.</summary>
    public static int Best(IReadOnlyList<List<double>> ways) =>
        Enumerable.Range(0, ways.Count).MaxBy(i => Median(ways[i]));

    private static double? MedianLoss(IEnumerable<Measurement> measurements)
    {
        double[] losses = [.. measurements.Select(m => m.Loss).OfType<double>()];
        return losses.Length > 0 ? Median(losses) : null;
    }

    /// <summary>
    /// The central 95 % of the ratio of medians when rounds are drawn anew with replacement (Efron 1979).
    /// </summary>
    public static (double Low, double High) Spread(double[] ours, double[] peer)
    {
        var random = new Random(1);
        double[] ratios = [.. Enumerable.Range(0, Resamplings)
            .Select(_ => Median(ours.Select(_ => ours[random.Next(ours.Length)]))
                / Median(peer.Select(_ => peer[random.Next(peer.Length)]))).Order()];
        return (ratios[(int)(0.025 * Resamplings)], ratios[(int)(0.975 * Resamplings)]);
    }

    /// <summary>Ours, in a process of its own.</summary>
    public static Measurement MeasureOurs(string work, params string[] arguments) =>
        Measure(Environment.ProcessPath!, [typeof(Comparison).Assembly.Location, "work", work, .. arguments]);

    /// <summary>The peer, a script under peers/ with its arguments.</summary>
    public static Measurement MeasurePeer(string[] peer) =>
        Measure("/usr/bin/python3", [Path.Combine(PeerFolder(), peer[0]), .. peer[1..]]);

    private static Measurement Measure(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new AtelierException($"ended with exit code {process.ExitCode}", string.Join(' ', arguments));
        using JsonDocument result = JsonDocument.Parse(output.Trim().Split('\n')[^1]);
        JsonElement root = result.RootElement;
        return new Measurement(root.GetProperty("value").GetDouble(), root.GetProperty("peakMiB").GetDouble(),
            root.TryGetProperty("loss", out JsonElement loss) && loss.ValueKind == JsonValueKind.Number
                ? loss.GetDouble() : null);
    }

    private static string LossOf(Measurement m) =>
        m.Loss is double loss ? string.Create(CultureInfo.InvariantCulture, $", loss {loss:F4}") : "";

    /// <summary>What sets one of the peer's ways apart: it stands at the end of its arguments.</summary>
    private string LabelOf(string[] peer) =>
        string.Concat(peer.Where((argument, i) => i > 0 && Peers.Any(p => p.ElementAtOrDefault(i) != argument))
            .Select(argument => argument + ", "));

    private static string PeerFolder()
    {
        string folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "peers")))
            folder = Path.GetDirectoryName(folder)
                ?? throw new AtelierException("benchmarks/peers is not there", AppContext.BaseDirectory);
        return Path.Combine(folder, "peers");
    }
}
