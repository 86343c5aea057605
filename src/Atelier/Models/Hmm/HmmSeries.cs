using System.Globalization;
using System.Runtime.CompilerServices;
using Atelier.Data.Series;
using Atelier.Data.Text.Reading;
using Atelier.Decoding;
using Atelier.Recipes;

namespace Atelier.Models.Hmm;

/// <summary>A hidden Markov model of series of numbers: draws them afresh, after a beginning, or through states that are known.</summary>
internal sealed class HmmSeries(HmmModel model, IReadOnlyList<string> columns) : ISeriesModel, IExplained
{
    /// <inheritdoc/>
    public Modality Modality => Modality.Series;

    /// <inheritdoc/>
    public IReadOnlyList<string> Columns { get; } = columns;

    /// <inheritdoc/>
    public long FreeParameters => model.FreeParameters;

    /// <inheritdoc/>
    public double[] LogLikelihoods(IReadOnlyList<double[]> series, CancellationToken cancellation = default) =>
        model.LogLikelihoods([.. series.Select(s => HmmSequence.Of(s, Columns.Count))], cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(input: true, states: true);
        int length = (request.Decoding ?? new DecodingOptions()).MaxTokens;
        Dictionary<int, int> known = request.States.ToDictionary(pair => pair.Key, pair =>
            int.TryParse(pair.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int state) && state < model.StateCount && pair.Key < length
                ? state : throw new AtelierException($"{pair.Key}={pair.Value} is no state of a place", "--state", $"states are 0 to {model.StateCount - 1}, places 0 to {length - 1}"));
        await Task.Yield();
        double[] start = Beginning(request.Input);
        double[][] ahead = Ahead(length, known);
        for (int i = 0; i < request.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Draw(SplitMix64.At((ulong)request.Seed, (ulong)i), length, start, ahead);
        }
    }

    /// <inheritdoc/>
    public Explanation Explain() => ChainExplanation.Of(model, $"a hidden Markov model of {model.StateCount} states over {string.Join(", ", Columns)}", d => Columns[d]);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Arrays only.
    }

    /// <summary>The distribution of the first state that is drawn: the chain's own, or what follows the series in a file.</summary>
    private double[] Beginning(string? input)
    {
        var filter = new ForwardFilter(model);
        if (input is not null)
        {
            (_, List<double[]> series) = SeriesFile.Read(new DataSection { Source = input }, Columns, new ReadingReport());
            var sequence = HmmSequence.Of(series[0], Columns.Count);
            if (double.IsNegativeInfinity(filter.Run(sequence, 0, sequence.Length)))
                throw new AtelierException("the series is impossible under the model", input, "begin with another");
        }
        return filter.Next();
    }

    /// <summary>[time][state]: proportional to the probability of the known states from that time on, given the state there.</summary>
    private double[][] Ahead(int length, Dictionary<int, int> known)
    {
        double[][] ahead = new double[length][];
        for (int t = length - 1; t >= 0; t--)
        {
            ahead[t] = new double[model.StateCount];
            for (int i = 0; i < model.StateCount; i++)
            {
                if (known.TryGetValue(t, out int state) && state != i)
                    continue;
                ahead[t][i] = t == length - 1 ? 1 : Enumerable.Range(0, model.StateCount).Sum(j => model.Chain.Transition(i, j) * ahead[t + 1][j]);
            }
            double most = ahead[t].Max();
            if (most <= 0)
                throw new AtelierException($"the known states from place {t} on are impossible", "--state", "the model has no such transitions");
            ahead[t] = Array.ConvertAll(ahead[t], value => value / most);
        }
        return ahead;
    }

    private SeriesSample Draw(ulong seed, int length, double[] start, double[][] ahead)
    {
        var random = new SplitMix64(seed);
        var rows = new double[length][];
        string[] states = new string[length];
        ReadOnlySpan<double> next = start;
        Span<double> weights = new double[model.StateCount];
        for (int t = 0; t < length; t++)
        {
            for (int i = 0; i < weights.Length; i++)
                weights[i] = next[i] * ahead[t][i];
            if (t == 0 && weights.IndexOfAnyExcept(0) < 0)
                throw new AtelierException("no series can begin so", "--state", "the model has no such beginning");
            int state = HmmModel.Draw(weights, ref random);
            states[t] = state.ToString(CultureInfo.InvariantCulture);
            rows[t] = new double[Columns.Count];
            model.Emissions.DrawValues(state, ref random, rows[t]);
            next = model.Chain.Transitions.AsSpan(state * model.Chain.Width, model.Chain.Width);
        }
        return new SeriesSample(Columns, rows, states);
    }
}
