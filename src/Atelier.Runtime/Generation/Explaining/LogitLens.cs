using Atelier.Abstractions;
using Atelier.Networks;

namespace Atelier.Generation.Explaining;

/// <summary>
/// The logit lens: the final norm and the head of a model applied to the residual stream of each layer (nostalgebraist
/// 2020).
/// </summary>
/// <param name="texts">Names the tokens.</param>
/// <param name="vocabulary">Number of token ids.</param>
/// <param name="head">Computes the logits of rows of the residual stream.</param>
internal sealed class LogitLens(ExplainedTexts texts, int vocabulary, LogitLens.Head head)
{
    private const int LogitsAtOnce = 1 << 22; // 16 MiB

    /// <summary>Computes the logits, [rows, vocabulary], of rows of the residual stream, [rows, hidden].</summary>
    public delegate void Head(ReadOnlySpan<float> states, Span<float> logits);

    /// <summary>Reads the predictions of each layer.</summary>
    /// <param name="trace">What the model recorded.</param>
    /// <param name="actual">The token to predict at each position; null where there is none.</param>
    /// <param name="count">The number of most probable tokens to return.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public IReadOnlyList<IReadOnlyList<LensPrediction>> Read(PassTrace trace, IReadOnlyList<int?> actual, int count,
        CancellationToken cancellation) => [.. trace.States.Select(states =>
            (IReadOnlyList<LensPrediction>)Layer(states, actual, count, cancellation))];

    private LensPrediction[] Layer(float[] states, IReadOnlyList<int?> actual, int count,
        CancellationToken cancellation)
    {
        var predictions = new LensPrediction[actual.Count];
        int hidden = states.Length / actual.Count, most = Math.Clamp(LogitsAtOnce / vocabulary, 1, actual.Count);
        float[] logits = new float[most * vocabulary];
        for (int start = 0; start < actual.Count; start += most)
        {
            cancellation.ThrowIfCancellationRequested();
            int rows = Math.Min(most, actual.Count - start);
            head(states.AsSpan(start * hidden, rows * hidden), logits.AsSpan(0, rows * vocabulary));
            for (int i = 0; i < rows; i++)
            {
                ReadOnlySpan<float> row = logits.AsSpan(i * vocabulary, vocabulary);
                predictions[start + i] = new(texts.Top(row, count),
                    actual[start + i] is { } token ? Logits.LogProbability(row, token) : null);
            }
        }
        return predictions;
    }
}
