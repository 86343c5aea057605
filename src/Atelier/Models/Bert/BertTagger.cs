using Atelier.Abstractions;
using Atelier.Data.Tagged;
using Atelier.Recipes;
using Atelier.Tasks.Tagged;
using Atelier.Tokenizers;

namespace Atelier.Models.Bert;

/// <summary>A tagger that predicts the tag of a word from the hidden state of its first token; thread-safe.</summary>
/// <param name="model">The network, which is disposed with the tagger.</param>
/// <param name="tokenizer">The tokenizer of the network.</param>
/// <param name="tokens">The special tokens of the network.</param>
/// <param name="column">The CoNLL-U column of the tags.</param>
internal sealed class BertTagger(BertClassifier model, Tokenizer tokenizer, MaskedTokens tokens, TagColumn column)
    : ITrainedModel, ITagger
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Tags => model.Labels;

    /// <inheritdoc/>
    public TagColumn Column => column;

    /// <summary>The network.</summary>
    internal BertClassifier Network => model;

    /// <inheritdoc/>
    public (IReadOnlyList<string> Tags, double? LogLikelihood) Tag(IReadOnlyList<string> words,
        IReadOnlyDictionary<int, string>? known = null)
    {
        known ??= new Dictionary<int, string>();
        ITagger.Check(known, words.Count, Tags);
        string[] tags = [.. ((ITagger)this).TagAll([words])[0].Tags];
        foreach ((int place, string tag) in known)
            tags[place] = tag;
        return (tags, null);
    }

    /// <inheritdoc/>
    IReadOnlyList<(IReadOnlyList<string> Tags, double? LogLikelihood)> ITagger.TagAll(
        IReadOnlyList<IReadOnlyList<string>> sentences, CancellationToken cancellation)
    {
        WordTokens[][] parts = [.. sentences.Select(words =>
            WordTokens.Of(words, tokenizer, tokens, model.Encoder.ContextLength).ToArray())];
        IReadOnlyList<float[]> logits = model.Predict(
            [.. parts.SelectMany(some => some).Select(part => (ReadOnlyMemory<int>)part.Tokens)], cancellation);
        int next = 0;
        return [.. parts.Select(some => ((IReadOnlyList<string>)[.. some.SelectMany(part =>
        {
            float[] all = logits[next++];
            return part.Places.Select(place => Tags[Best(all.AsSpan(place * Tags.Count, Tags.Count))]).ToArray();
        })], (double?)null))];
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    private static int Best(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
                best = i;
        }
        return best;
    }
}
