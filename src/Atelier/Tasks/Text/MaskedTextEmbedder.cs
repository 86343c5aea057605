using Atelier.Abstractions;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Text;

/// <summary>
/// Turns texts into vectors with a masked language model: the mean of the hidden states of a text (Reimers and Gurevych
/// 2019, section 3), scaled to length 1.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="tokens">The special tokens of the model.</param>
internal sealed class MaskedTextEmbedder(MaskedTextModel model, Tokenizer tokenizer, MaskedTokens tokens)
    : ITextEmbedder
{
    /// <inheritdoc/>
    public int EmbeddingSize => model.HiddenSize;

    /// <inheritdoc/>
    public int CountTokens(string text) => tokens.Encode(tokenizer, text, model.ContextLength).Length;

    /// <inheritdoc/>
    /// <remarks>The vector of a text without tokens is zero.</remarks>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts, CancellationToken cancellation = default)
    {
        int[][] sequences = [.. texts.Select(text => tokens.Encode(tokenizer, text, model.ContextLength))];
        float[][] vectors = [.. texts.Select(_ => new float[EmbeddingSize])];
        int[] some = [.. Enumerable.Range(0, sequences.Length).Where(i => sequences[i].Length > 0)];
        IReadOnlyList<float[]> means =
            model.MeanStates([.. some.Select(i => (ReadOnlyMemory<int>)sequences[i])], cancellation);
        foreach ((int place, int i) in some.Index())
        {
            double length = Math.Sqrt(means[place].Sum(value => (double)value * value));
            for (int d = 0; d < EmbeddingSize; d++)
                vectors[i][d] = length > 0 ? (float)(means[place][d] / length) : 0;
        }
        return vectors;
    }
}
