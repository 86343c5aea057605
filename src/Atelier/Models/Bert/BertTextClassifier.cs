using Atelier.Abstractions;
using Atelier.Tasks.Labelled;
using Atelier.Tokenizers;

namespace Atelier.Models.Bert;

/// <summary>A classifier of texts; thread-safe.</summary>
/// <param name="model">The network, which is disposed with the classifier.</param>
/// <param name="tokenizer">The tokenizer of the network.</param>
/// <param name="tokens">The special tokens of the network.</param>
internal sealed class BertTextClassifier(BertClassifier model, Tokenizer tokenizer, MaskedTokens tokens)
    : ITrainedModel, ITextClassifier
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Labels => model.Labels;

    /// <summary>The network.</summary>
    internal BertClassifier Network => model;

    /// <summary>Returns the tokens of a text between special tokens; a long text is cut.</summary>
    public static int[] Encode(string text, Tokenizer tokenizer, MaskedTokens tokens, int longest)
    {
        int[] ids = tokenizer.Encode(text);
        int[] all = tokens.Surround(ids.AsSpan(0, Math.Min(ids.Length, longest - tokens.AddedCount)));
        return all.Length > 0 ? all : [tokens.PadId]; // a text without tokens, in a vocabulary without special tokens
    }

    /// <inheritdoc/>
    public IReadOnlyList<float[]> Classify(IReadOnlyList<string> texts, CancellationToken cancellation = default)
    {
        IReadOnlyList<float[]> logits = model.Predict([.. texts.Select(text => (ReadOnlyMemory<int>)
            Encode(text, tokenizer, tokens, model.Encoder.ContextLength))], cancellation);
        return [.. logits.Select(row =>
        {
            float most = row.Max(), sum = row.Sum(logit => MathF.Exp(logit - most));
            return Array.ConvertAll(row, logit => MathF.Exp(logit - most) / sum);
        })];
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();
}
