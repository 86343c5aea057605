using System.Globalization;
using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Series;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using Atelier.Tasks.Series;

namespace Atelier.Models.Hmm;

/// <summary>
/// A hidden Markov model of numeric series. It samples series from scratch, as continuations of a given series, or
/// conditioned on known states.
/// </summary>
internal sealed class HmmSeries(HmmModel model, IReadOnlyList<string> columns)
    : ITrainedModel, ISeriesModel, IGenerator, IExplainable
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Columns { get; } = columns;

    /// <inheritdoc/>
    public SeriesValues Values => model.Emissions switch
    {
        GaussianEmissions => SeriesValues.Numbers,
        PoissonEmissions => SeriesValues.Counts,
        _ => SeriesValues.Categories,
    };

    /// <inheritdoc/>
    public long FreeParameters => model.FreeParameters;

    /// <inheritdoc/>
    public double[] LogLikelihoods(IReadOnlyList<double[]> series, CancellationToken cancellation = default) =>
        model.LogLikelihoods([.. series.Select(s => HmmSequence.Of(s, Columns.Count))], cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(input: true, states: true, length: true);
        int length = (request.Decoding ?? new DecodingOptions()).MaxTokens;
        var known = new KnownStates(model, request.States, length);
        await Task.Yield();
        double[] start = Beginning(request.Input, cancellation);
        for (int i = 0; i < request.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Sample(SplitMix64.At((ulong)request.Seed, (ulong)i), length, start, known);
        }
    }

    /// <inheritdoc/>
    public Explanation Explain(CancellationToken cancellation = default) => ChainExplanation.Of(model,
        $"a hidden Markov model of {Quantity.Of(model.StateCount, "state")} over {string.Join(", ", Columns)}",
        d => Columns[d], cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Arrays only.
    }

    /// <summary>
    /// The distribution of the first sampled state: the start distribution, or the state that follows the series in a
    /// file.
    /// </summary>
    private double[] Beginning(InputData? input, CancellationToken cancellation)
    {
        var filter = new ForwardFilter(model);
        if (input is not null)
        {
            var sequence = HmmSequence.Of(SeriesFile.Read(input, Columns)[0], Columns.Count);
            if (double.IsNegativeInfinity(filter.Run(sequence, 0, sequence.Length, cancellation)))
                throw new AtelierException("the series has probability zero under the model", input.Name,
                    "start from another series");
        }
        return filter.Next();
    }

    private SeriesSample Sample(ulong seed, int length, double[] start, KnownStates known)
    {
        var random = new SplitMix64(seed);
        var rows = new double[length][];
        string[] states = new string[length];
        ReadOnlySpan<double> next = start;
        Span<double> weights = new double[model.StateCount];
        for (int t = 0; t < length; t++)
        {
            next[..model.StateCount].CopyTo(weights);
            known.Weigh(weights, t);
            if (t == 0 && weights.IndexOfAnyExcept(0) < 0)
                throw new AtelierException("the series cannot start like this", Mention.Field("states"),
                    "the model gives it probability zero");
            int state = HmmModel.Sample(weights, ref random);
            states[t] = state.ToString(CultureInfo.InvariantCulture);
            rows[t] = new double[Columns.Count];
            model.Emissions.SampleValues(state, ref random, rows[t]);
            next = model.Chain.Transitions.AsSpan(state * model.Chain.Width, model.Chain.Width);
        }
        return new SeriesSample(Columns, rows, states);
    }
}
