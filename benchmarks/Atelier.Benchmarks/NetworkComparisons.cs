using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Models.BayesianNetwork;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Models.BayesianNetwork.Structure;

namespace Atelier.Benchmarks;

/// <summary>
/// The ALARM network (Beinlich et al. 1989) beside pgmpy: drawing rows, learning the structure, answering queries.
/// </summary>
internal static class NetworkComparisons
{
    private const int Rows = 10_000;
    private const int Questions = 200;
    private const double Seconds = 3;

    public static IEnumerable<Comparison> All =>
    [
        new("network-draw", "draw 10,000 rows of ALARM; pgmpy", "rows/s", 10, Draw,
            [Peer("draw")]) { Prepare = Prepare },
        new("network-structure", "hill climbing with BIC on 10,000 rows of ALARM; pgmpy (loss: BIC)", "networks/s", 10,
            Structure, [Peer("structure")]) { Prepare = Prepare },
        new("network-query", "one variable of ALARM given three others, by the compiled junction tree; pgmpy",
            "queries/s", 10, () => Query(compiled: true), [Peer("query")]) { Prepare = Prepare },
        new("network-query-once", "the same by variable elimination, nothing compiled; pgmpy", "queries/s", 10,
            () => Query(compiled: false), [Peer("query")]) { Prepare = Prepare },
    ];

    private static void Prepare() => BenchmarkData.Find("networks", "alarm.bif.gz");

    private static string[] Peer(string work) => ["pgmpy_network.py", work, BifPath(), CsvPath(), QuestionsPath()];

    private static Measurement Draw()
    {
        var sampler = new RowSampler(BifFile.Read(BifPath()));
        long seed = 0;
        return new Measurement(Rows * Rate(() => sampler.Sample(Rows, ++seed)), Comparison.PeakMiB());
    }

    private static Measurement Structure()
    {
        DiscreteNetwork network = BifFile.Read(BifPath());
        DiscreteData data = Sample(network);
        var config = new BayesianNetworkConfig { EquivalentSampleSize = 0, MaxParents = 36 };
        double rate = Rate(() => StructureLearning.Learn(data, config, 1));
        LearnedNetwork learned = NetworkLearning.Learn(data, config, 1);
        Console.Error.WriteLine(StructureDistance.Between(network.Graph, learned.Network.Graph));
        return new Measurement(rate, Comparison.PeakMiB(),
            NetworkLearning.Bic(learned.Network, learned.LogLikelihood, Rows));
    }

    private static Measurement Query(bool compiled)
    {
        DiscreteNetwork network = BifFile.Read(BifPath());
        (int Target, int State, Dictionary<int, int> Evidence)[] asked = [.. Ask(network)];
        var calibration = new Calibration(JunctionTree.Compile(network));
        double Answer()
        {
            double sum = 0;
            Span<double> distribution = stackalloc double[Variable.MostStates];
            foreach ((int target, int state, Dictionary<int, int> evidence) in asked)
            {
                if (compiled)
                {
                    calibration.Set(evidence);
                    calibration.Marginal(target, distribution[..network.StatesOf(target)]);
                    sum += distribution[state];
                }
                else
                {
                    sum += VariableElimination.Query(network, [target], evidence)[state];
                }
            }
            return sum / asked.Length;
        }
        return new Measurement(asked.Length * Rate(() => Answer()), Comparison.PeakMiB(), Answer());
    }

    /// <summary>Calls a second, the median over a while.</summary>
    private static double Rate<T>(Func<T> work)
    {
        var times = new List<double>();
        for (int i = 0; i < 3; i++)
            GC.KeepAlive(work());
        var all = Stopwatch.StartNew();
        while (times.Count < 5 || all.Elapsed.TotalSeconds < Seconds)
        {
            var watch = Stopwatch.StartNew();
            GC.KeepAlive(work());
            times.Add(watch.Elapsed.TotalSeconds);
        }
        return 1 / Comparison.Median(times);
    }

    private static DiscreteData Sample(DiscreteNetwork network) =>
        new(network.Variables, new RowSampler(network).Sample(Rows, 1));

    // Evidence that occurs: three values of a row that was drawn.
    private static IEnumerable<(int Target, int State, Dictionary<int, int> Evidence)> Ask(DiscreteNetwork network)
    {
        DiscreteData rows = Sample(network);
        var random = new SplitMix64(5);
        for (int i = 0; i < Questions; i++)
        {
            var evidence = new Dictionary<int, int>();
            while (evidence.Count < 3)
            {
                int seen = (int)random.Next(rows.Columns.Count);
                evidence[seen] = rows.Columns[seen][i];
            }
            int target = (int)random.Next(rows.Columns.Count);
            while (evidence.ContainsKey(target))
                target = (target + 1) % rows.Columns.Count;
            yield return (target, rows.Columns[target][i], evidence);
        }
    }

    private static string BifPath() => BenchmarkData.PathOf("networks", "alarm.bif.gz");

    /// <summary>The rows that both sides learn from, drawn once.</summary>
    private static string CsvPath() => Made("alarm.csv", network =>
    {
        DiscreteData data = Sample(network);
        var text = new StringBuilder().AppendJoin(',', network.Variables.Select(v => v.Name)).Append('\n');
        for (int row = 0; row < Rows; row++)
            text.AppendJoin(',', network.Variables.Select((v, i) => v.States[data.Columns[i][row]])).Append('\n');
        return text.ToString();
    });

    private static string QuestionsPath() =>
        Made("alarm-questions.json", network => JsonSerializer.Serialize(Ask(network).Select(q => new
    {
        target = network.Variables[q.Target].Name,
        state = network.Variables[q.Target].States[q.State],
        evidence = q.Evidence.ToDictionary(e => network.Variables[e.Key].Name,
            e => network.Variables[e.Key].States[e.Value]),
    })));

    private static string Made(string name, Func<DiscreteNetwork, string> make)
    {
        string path = Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}-{name}");
        if (!File.Exists(path) && File.Exists(BifPath()))
            AtomicFile.WriteText(path, make(BifFile.Read(BifPath())));
        return path;
    }
}
