using System.Diagnostics;
using System.Text;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Benchmarks;

/// <summary>
/// Hidden Markov models of the first 400,000 characters of Tiny Shakespeare, one sequence, beside hmmlearn where
/// HMMLEARN names it, else pomegranate.
/// </summary>
internal static class HmmComparisons
{
    private const int Length = 400_000;
    private const int Iterations = 5;
    private const double Seconds = 2;
    private static readonly string[] Text = ["tinyshakespeare", "input.txt"];

    public static IEnumerable<Comparison> All =>
    [
        new("hmm-em-8", "Baum-Welch iterations, 8 states, 400,000 characters; hmmlearn or pomegranate", "symbols/s", 10,
            () => Learn(8), [Peer("em", 8)]) { Prepare = Prepare },
        new("hmm-em-32", "the same with 32 states (pomegranate on 100,000 characters)", "symbols/s", 10,
            () => Learn(32), [Peer("em", 32)]) { Prepare = Prepare },
        new("hmm-viterbi", "the likeliest states of 400,000 characters, 8 states; hmmlearn or pomegranate", "symbols/s",
            5, () => Decode(8), [Peer("viterbi", 8)]) { Prepare = Prepare },
        new("hmm-viterbi-32", "the same with 32 states (pomegranate on 100,000 characters)", "symbols/s", 5,
            () => Decode(32), [Peer("viterbi", 32)]) { Prepare = Prepare },
        new("hmm-sample", "draw symbols, 8 states; hmmlearn or pomegranate", "symbols/s", 10, Sample,
            [Peer("sample", 8)]) { Prepare = Prepare },
    ];

    private static string[] Peer(string work, int states) =>
        [Environment.GetEnvironmentVariable("HMMLEARN") is null ? "hmm_pomegranate.py"
            : "hmm_hmmlearn.py", work, states.ToString(System.Globalization.CultureInfo.InvariantCulture),
            BenchmarkData.PathOf(Text)];

    private static void Prepare() => BenchmarkData.Find(Text);

    private static Measurement Learn(int states)
    {
        (HmmModel model, HmmSequence text) = Begin(states);
        var config = new HmmConfig();
        model.Step([text], config); // compiled before it is timed
        double log = 0;
        double rate = Rate(() =>
        {
            HmmModel learned = model;
            for (int i = 0; i < Iterations; i++)
                (learned, log) = learned.Step([text], config);
        });
        return new Measurement(rate * Iterations * Length, Comparison.PeakMiB(), -log / Length);
    }

    private static Measurement Decode(int states)
    {
        (HmmModel model, HmmSequence text) = Begin(states);
        double log = 0;
        double rate = Rate(() => log = Viterbi.Run(model, text).LogProbability);
        return new Measurement(rate * Length, Comparison.PeakMiB(), -log / Length);
    }

    private static Measurement Sample()
    {
        (HmmModel model, _) = Begin(8);
        var random = new SplitMix64(1);
        int[] states = new int[Length], symbols = new int[Length];
        double rate =
            Rate(() => model.Sample(Length, states, ref random,
            (int t, int state, ref SplitMix64 r) => symbols[t] = model.Emissions.SampleSymbol(state, ref r)));
        return new Measurement(rate * Length, Comparison.PeakMiB());
    }

    /// <summary>
    /// A model at random, and so many characters of the text, which is read again from its beginning where it ends.
    /// </summary>
    public static (HmmModel Model, HmmSequence Text) Begin(int states, int length = Length)
    {
        string text = File.ReadAllText(BenchmarkData.Find(Text), Encoding.UTF8);
        char[] characters = [.. text.Take(length).Distinct().Order()];
        int[] numbers = new int[Math.Min(length, text.Length)];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = Array.BinarySearch(characters, text[i]);
        int[] symbols = new int[length];
        for (int i = 0; i < length; i++)
            symbols[i] = numbers[i % numbers.Length];
        HmmSequence sequence = HmmSequence.Of(symbols);
        return (HmmInitialisation.Create(new HmmConfig(), states, HmmEmission.Categorical, [sequence],
            characters.Length, 1), sequence);
    }

    private static double Rate(Action work)
    {
        work();
        var watch = Stopwatch.StartNew();
        int times = 0;
        do
        {
            work();
            times++;
        }
        while (watch.Elapsed.TotalSeconds < Seconds);
        return times / watch.Elapsed.TotalSeconds;
    }
}
