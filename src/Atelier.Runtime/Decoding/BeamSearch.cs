using Atelier.Decoding.Constraints;

namespace Atelier.Decoding;

/// <summary>A sequence that beam search found.</summary>
/// <param name="Tokens">Its tokens after the prompt.</param>
/// <param name="LogProbability">Their log-probability together, in nats.</param>
/// <param name="State">Where a constraint stands after them, or null.</param>
internal sealed record Beam(IReadOnlyList<TokenChoice> Tokens, double LogProbability, ConstraintState? State)
{
    /// <summary>What beams are ranked by: log-probability over length to a power.</summary>
    public double Score(double lengthPenalty) => LogProbability / Math.Pow(Math.Max(1, Tokens.Count), lengthPenalty);
}

/// <summary>
/// Beam search (Lowerre 1976; with length normalisation as in Wu et al. 2016): keeps the likeliest unfinished sequences at
/// every length, and the best finished ones.
/// </summary>
internal static class BeamSearch
{
    /// <summary>Finds likely sequences, best first.</summary>
    public static IReadOnlyList<Beam> Run(
        ILanguageModel model, TextDraft draft, DecodingOptions options, CancellationToken cancellation)
    {
        int[] prompt = [.. draft.Ids];
        int width = options.BeamWidth, vocabulary = model.VocabularySize;
        var finished = new List<Beam>();
        List<Beam> beams = [new([], 0, draft.State)];
        using var state = new RollingState(model, prompt, 1);
        for (int step = 0; step < options.MaxTokens && beams.Count > 0; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            // Twice the width, so that enough are left where some end.
            var best = new PriorityQueue<(int Parent, TokenChoice Choice), double>();
            for (int row = 0; row < beams.Count; row++)
            {
                ReadOnlySpan<float> logits = state.Logits.AsSpan(row * vocabulary, vocabulary);
                float normalizer = Logits.LogSumExp(logits);
                ReadOnlySpan<ulong> allowed = draft.Allowed(beams[row].State);
                for (int id = 0; id < vocabulary; id++)
                {
                    if (!allowed.IsEmpty && !Logits.IsAllowed(allowed, id))
                        continue;
                    float logProbability = logits[id] - normalizer;
                    double total = beams[row].LogProbability + logProbability;
                    if (best.Count < 2 * width)
                        best.Enqueue((row, new TokenChoice(id, logProbability)), total);
                    else if (best.TryPeek(out _, out double worst) && total > worst)
                        best.EnqueueDequeue((row, new TokenChoice(id, logProbability)), total);
                }
            }

            var next = new List<(int Parent, Beam Beam)>(width);
            foreach (((int parent, TokenChoice choice), double total) in best.UnorderedItems.OrderByDescending(i => i.Priority))
            {
                if (double.IsNegativeInfinity(total))
                    continue;
                ConstraintState? after = draft.After(beams[parent].State, choice.Id);
                var beam = new Beam([.. beams[parent].Tokens, choice], total, after);
                if (draft.Ends(choice.Id, after))
                    finished.Add(beam);
                else if (next.Count < width)
                    next.Add((parent, beam));
            }
            finished = [.. finished.OrderByDescending(b => b.Score(options.LengthPenalty)).Take(width)];
            beams = [.. next.Select(n => n.Beam)];
            if (beams.Count == 0 || Settled(finished, beams[0], options))
                break;
            if (step + 1 < options.MaxTokens)
            {
                state.Select([.. next.Select(n => n.Parent)]);
                state.Append([.. beams.Select(b => b.Tokens[^1].Id)], i => [.. prompt, .. beams[i].Tokens.Select(t => t.Id)]);
            }
        }
        return [.. finished.Concat(beams).OrderByDescending(b => b.Score(options.LengthPenalty)).Take(width)];
    }

    /// <summary>Whether no unfinished beam can still get among the finished: its log-probability only falls, its length is bounded.</summary>
    private static bool Settled(List<Beam> finished, Beam best, DecodingOptions options) =>
        finished.Count >= options.BeamWidth &&
        best.LogProbability / Math.Pow(options.MaxTokens, options.LengthPenalty) <= finished[^1].Score(options.LengthPenalty);
}
