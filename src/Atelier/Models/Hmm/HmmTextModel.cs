using System.Globalization;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using Atelier.Tokenizers;

namespace Atelier.Models.Hmm;

/// <summary>
/// A hidden Markov model as a language model. Its decoding state is the distribution over the hidden states given the
/// tokens so far.
/// </summary>
/// <param name="model">The model, with categorical emissions.</param>
/// <param name="endOfTextId">The id of the end-of-text token, after which a new text begins; null if there is
/// none.</param>
/// <param name="known">The known states; null if there are none.</param>
/// <param name="before">The number of tokens before position 0 of the known states.</param>
internal sealed class HmmTextModel(HmmModel model, int? endOfTextId, KnownStates? known = null, int before = 0)
    : ILanguageModel, IExplainableTokens, IHiddenStates
{
    private readonly CategoricalEmissions _emissions = (CategoricalEmissions)model.Emissions;

    /// <summary>The model.</summary>
    public HmmModel Model { get; } = model;

    /// <summary>The id of the end-of-text token, after which a new text begins; null if there is none.</summary>
    public int? EndOfTextId { get; } = endOfTextId;

    /// <inheritdoc/>
    public int VocabularySize => _emissions.SymbolCount;

    /// <inheritdoc/>
    public int ContextLength => int.MaxValue;

    /// <summary>Always true: scoring and decoding only read the model.</summary>
    public bool RunsInParallel => true;

    /// <inheritdoc/>
    public IDecodingState CreateState(int sequences) =>
        new State(this, [.. Enumerable.Range(0, sequences).Select(_ => new ForwardFilter(Model))]);

    /// <inheritdoc/>
    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default)
    {
        var scores = new TokenScore[sequences.Count][];
        InParallel.For(scores.Length, cancellation, row =>
        {
            ReadOnlyMemory<int> tokens = sequences[row];
            scores[row] = new TokenScore[tokens.Length - 1];
            var filter = new ForwardFilter(Model);
            See(ref filter, tokens[..1], 0);
            double[] next = new double[VocabularySize];
            for (int i = 1; i < tokens.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                Predict(filter, i, next);
                int token = tokens.Span[i];
                scores[row][i - 1] = new TokenScore(Math.Log(next[token]), next[token] >= next.Max());
                See(ref filter, tokens.Slice(i, 1), i);
            }
        });
        return scores;
    }

    /// <inheritdoc/>
    public ILanguageModel Given(IReadOnlyDictionary<int, string> states, int prompt, int places) =>
        new HmmTextModel(Model, EndOfTextId, new KnownStates(Model, states, places), prompt);

    /// <inheritdoc/>
    public IReadOnlyList<double[]> Posteriors(ReadOnlyMemory<int> tokens, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        return [.. Model.Posteriors(HmmSequence.Of(tokens)).Chunk(Model.StateCount)];
    }

    /// <inheritdoc/>
    public Explanation Explain(Tokenizer tokenizer, CancellationToken cancellation = default) =>
        ChainExplanation.Of(Model, $"a hidden Markov model of {Quantity.Of(Model.StateCount, "state")} that emit "
            + string.Create(CultureInfo.InvariantCulture,
                $"{Quantity.Of(VocabularySize, "token")}; {Model.FreeParameters} free parameters"),
            tokenizer.Name, cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Arrays only.
    }

    private void See(ref ForwardFilter filter, ReadOnlyMemory<int> tokens, int place)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            if (known?.At(place + i - before) is { } state)
                filter.Know(state);
            if (tokens.Span[i] == EndOfTextId)
                filter = new ForwardFilter(Model);
            else if (double.IsNegativeInfinity(filter.Run(HmmSequence.Of(tokens.Slice(i, 1)), 0, 1)))
                throw new AtelierException($"token {tokens.Span[i]} has probability zero under the model",
                    hint: "train with a larger model.emissionPrior");
        }
    }

    /// <summary>Computes the probability of each token as the next one, Σ_k p(state k) b_k(token).</summary>
    /// <param name="filter">The forward filter after the tokens so far.</param>
    /// <param name="place">The number of tokens so far.</param>
    /// <param name="next">[vocabulary]: receives the probabilities.</param>
    private unsafe void Predict(ForwardFilter filter, int place, Span<double> next)
    {
        double[] distribution = filter.Next();
        if (known is not null && place >= before)
        {
            known.Weigh(distribution, place - before);
            double sum = distribution.Sum();
            if (sum <= 0)
                throw new AtelierException("the text cannot continue like this", Mention.Field("states"),
                    "the known states have probability zero after the prompt");
            distribution = Array.ConvertAll(distribution, value => value / sum);
        }
        fixed (double* states = distribution)
        {
            for (int symbol = 0; symbol < next.Length; symbol++)
            {
                fixed (double* row = _emissions.Row(symbol))
                    next[symbol] = HmmKernels.Dot(states, row, Model.Chain.Width);
            }
        }
        if (EndOfTextId is { } end && known is not null && place - before < known.Last)
            next[end] = 0; // the text must not end before the last known state
    }

    private sealed class State(HmmTextModel model, ForwardFilter[] filters) : IDecodingState
    {
        private ForwardFilter[] _filters = filters;

        public int Sequences => _filters.Length;

        public int Length { get; private set; }

        public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            int each = tokens.Length / Sequences, vocabulary = model.VocabularySize;
            double[] next = new double[vocabulary];
            for (int row = 0; row < Sequences; row++)
            {
                model.See(ref _filters[row], tokens.Slice(row * each, each).ToArray(), Length);
                model.Predict(_filters[row], Length + each, next);
                for (int token = 0; token < vocabulary; token++)
                    logits[(row * vocabulary) + token] = (float)Math.Log(next[token]);
            }
            Length += each;
        }

        public void Select(ReadOnlySpan<int> parents)
        {
            var selected = new ForwardFilter[parents.Length];
            for (int i = 0; i < selected.Length; i++)
                selected[i] = _filters[parents[i]].Clone();
            _filters = selected;
        }

        public void Dispose()
        {
            // Arrays only.
        }
    }
}
