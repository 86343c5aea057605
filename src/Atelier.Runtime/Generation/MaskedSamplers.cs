using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// Fills in the open positions of several sequences, which a model computes together. All have the same number of open
/// positions.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="maskId">The mask token.</param>
/// <param name="allowed">A bit for each token that may be chosen.</param>
/// <param name="options">How tokens are chosen.</param>
/// <param name="alternatives">The number of alternatives to keep for each position.</param>
internal sealed class MaskedSamplers(IMaskedLanguageModel model, int maskId, ulong[] allowed, DecodingOptions options,
    int alternatives)
{
    private readonly int _vocabulary = model.VocabularySize;
    private readonly TokenSampler _sampler = new(options, model.VocabularySize);

    private delegate void Chooser(int number, int[] positions, ReadOnlySpan<float> logits);

    /// <summary>
    /// Fills in one position after the other, the one with the most probable token first. Without randomness, sequence
    /// n begins with the n-th most probable token, so that the sequences differ.
    /// </summary>
    public void ByConfidence(IReadOnlyList<MaskedDraft> drafts, CancellationToken cancellation)
    {
        for (int step = 0; step < drafts[0].Open.Count; step++)
        {
            Predict(drafts, number => Masked(drafts[number]), cancellation, (number, positions, logits) =>
            {
                int best = 0;
                float highest = float.NegativeInfinity;
                for (int i = 0; i < positions.Length; i++)
                {
                    float found = Best(Row(logits, i), 1)[0].LogProbability;
                    if (found > highest)
                        (best, highest) = (i, found);
                }
                ReadOnlySpan<float> row = Row(logits, best);
                TokenChoice chosen = step == 0 && options.Temperature == 0
                    ? Best(row, number + 1)[^1] : Draw(drafts[number], row);
                Set(drafts[number], positions[best], row, step, chosen);
            });
        }
    }

    /// <summary>
    /// Mask-predict (Ghazvininejad et al. 2019, section 3): all positions are predicted at once; then, in each step t
    /// of T, the n (T − t) / T positions with the least probable tokens are masked and predicted again.
    /// </summary>
    public void ByMaskPredict(IReadOnlyList<MaskedDraft> drafts, int steps, CancellationToken cancellation)
    {
        for (int step = 0; step < steps; step++)
        {
            int count = (int)((long)drafts[0].Open.Count * (steps - step) / steps);
            if (count == 0)
                return;
            foreach (MaskedDraft draft in drafts)
            {
                foreach (int at in step == 0 ? [] : draft.Open.OrderBy(at => draft.Choices[at].Token.LogProbability)
                    .Take(count).ToArray())
                    draft.Tokens[at] = maskId;
            }
            Predict(drafts, number => Masked(drafts[number]), cancellation, (number, positions, logits) =>
            {
                for (int i = 0; i < positions.Length; i++)
                {
                    ReadOnlySpan<float> row = Row(logits, i);
                    Set(drafts[number], positions[i], row, step, Draw(drafts[number], row));
                }
            });
        }
    }

    /// <summary>
    /// Gibbs sampling (Wang and Cho 2019, section 3): each step visits all open positions in random order, and draws
    /// the token at each given all others. In the first step, positions that were not visited yet hold masks.
    /// </summary>
    public void ByGibbs(IReadOnlyList<MaskedDraft> drafts, int steps, CancellationToken cancellation)
    {
        int[][] orders = [.. drafts.Select(draft => draft.Open.ToArray())];
        for (int step = 0; step < steps; step++)
        {
            foreach ((int number, int[] order) in orders.Index())
                drafts[number].Shuffle(order);
            for (int visit = 0; visit < orders[0].Length; visit++)
            {
                foreach ((int number, int[] order) in orders.Index())
                    drafts[number].Tokens[order[visit]] = maskId;
                Predict(drafts, number => [orders[number][visit]], cancellation, (number, positions, row) =>
                    Set(drafts[number], positions[0], row, step, Draw(drafts[number], row)));
            }
        }
    }

    /// <summary>Returns the allowed tokens with the largest logits, the most probable first; at least one.</summary>
    private TokenChoice[] Best(ReadOnlySpan<float> logits, int count)
    {
        var best = new PriorityQueue<int, float>();
        for (int id = 0; id < logits.Length; id++)
        {
            if (!Logits.IsAllowed(allowed, id))
                continue;
            if (best.Count < count)
                best.Enqueue(id, logits[id]);
            else if (best.TryPeek(out _, out float least) && logits[id] > least)
                best.EnqueueDequeue(id, logits[id]);
        }
        var choices = new TokenChoice[best.Count];
        float total = Logits.LogSumExp(logits);
        for (int i = choices.Length - 1; i >= 0; i--)
        {
            best.TryDequeue(out int id, out float logit);
            choices[i] = new TokenChoice(id, logit - total);
        }
        return choices;
    }

    private TokenChoice Draw(MaskedDraft draft, ReadOnlySpan<float> logits) =>
        _sampler.Choose(logits, null, allowed, ref draft.Random);

    private void Set(MaskedDraft draft, int position, ReadOnlySpan<float> logits, int step, TokenChoice chosen)
    {
        draft.Tokens[position] = chosen.Id;
        draft.Choices[position] = new(chosen, step, alternatives == 0 ? [] : Best(logits, alternatives));
    }

    private int[] Masked(MaskedDraft draft) => [.. draft.Open.Where(at => draft.Tokens[at] == maskId)];

    private ReadOnlySpan<float> Row(ReadOnlySpan<float> logits, int row) =>
        logits.Slice(row * _vocabulary, _vocabulary);

    /// <summary>Predicts the tokens at some positions of each sequence, and has one chosen.</summary>
    private void Predict(IReadOnlyList<MaskedDraft> drafts, Func<int, int[]> positions, CancellationToken cancellation,
        Chooser choose)
    {
        int[][] asked = [.. Enumerable.Range(0, drafts.Count).Select(positions)];
        model.PredictEach([.. drafts.Zip(asked, (draft, some) => new MaskedSequence(draft.Tokens, some))],
            (number, logits) => choose(number, asked[number], logits), cancellation);
    }
}
