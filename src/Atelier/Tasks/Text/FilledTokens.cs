using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Evaluation;

namespace Atelier.Tasks.Text;

/// <summary>Judges what fills in tokens of held-out text, by their cross-entropy and its accuracy.</summary>
/// <param name="CrossEntropy">The name of the cross-entropy.</param>
/// <param name="Accuracy">The name of the share of tokens that were predicted as most probable.</param>
/// <param name="Token">What a token is called in units, such as "masked token".</param>
/// <param name="Context">The options of the evaluation.</param>
internal sealed record FilledTokens(string CrossEntropy, string Accuracy, string Token, EvaluationContext Context)
{
    private const int TokensAtOnce = 1 << 14; // counted between two checks for cancellation

    private string Unit => $"nats per {Token}";

    /// <summary>Computes the metrics from the scores of the tokens of each window, which is an item.</summary>
    public JudgedModel Judge(IEnumerable<IEnumerable<TokenScore>> windows)
    {
        List<MeanScore> nats = [], correct = [];
        foreach (IEnumerable<TokenScore> window in windows)
        {
            (double sum, int right, int count) = (0, 0, 0);
            foreach (TokenScore score in window)
                (sum, right, count) = (sum - score.LogProbability, right + (score.IsMostLikely ? 1 : 0), count + 1);
            nats.Add(new(sum, count));
            correct.Add(new(right, count));
        }
        return new(nats, new Dictionary<string, Metric>
        {
            [CrossEntropy] = MeanScore.Mean(nats, Context.Options, Context.Seed, Unit),
            [Accuracy] = MeanScore.Mean(correct, Context.Options, Context.Seed, $"share of {Token}s"),
        });
    }

    /// <summary>
    /// Compares a model with the frequencies of tokens in the training part, if there is one. Each token is counted
    /// once more than it occurs.
    /// </summary>
    /// <param name="own">The metrics of the model.</param>
    /// <param name="on">The data of the evaluation.</param>
    /// <param name="data">The data.</param>
    /// <param name="windows">The tokens to predict of each window.</param>
    /// <param name="isCounted">Whether a token is one of those that are predicted.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public Judgement Compare(JudgedModel own, JudgedOn on, TextData data, IEnumerable<IEnumerable<int>> windows,
        Func<int, bool> isCounted, CancellationToken cancellation)
    {
        var judgement = new Judgement(Context, on, new(CrossEntropy, Unit, MoreIsBetter: false, on.Lead), own);
        if (data.Train.Count > 1)
            judgement.Compare("unigram", JudgeFrequencies(data, windows, isCounted, cancellation));
        return judgement;
    }

    private JudgedModel JudgeFrequencies(TextData data, IEnumerable<IEnumerable<int>> windows,
        Func<int, bool> isCounted, CancellationToken cancellation)
    {
        bool[] counted = [.. Enumerable.Range(0, data.Tokenizer.VocabularySize).Select(isCounted)];
        long[] counts = [.. counted.Select(counts => counts ? 1L : 0)];
        int[] tokens = new int[TokensAtOnce];
        for (long at = 0; at < data.Train.Count; at += tokens.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            int read = data.Train.Read(at, tokens);
            foreach (int id in tokens.AsSpan(0, read))
                counts[id] += counted[id] ? 1 : 0;
        }
        double total = counts.Sum(count => (double)count);
        int mostFrequent = Array.IndexOf(counts, counts.Max());
        return Judge(windows.Select(window => window.Where(id => counted[id])
            .Select(id => new TokenScore(Math.Log(counts[id] / total), id == mostFrequent))));
    }
}
