using Atelier.Abstractions;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Generation.Explaining;

/// <summary>
/// Explains the predictions of a model that writes a target given a source. Transformers in managed code return the
/// attention of their encoder, of their decoder and of the decoder to the source; recurrent models only the last.
/// </summary>
internal sealed class SequenceToSequenceExplainer(ISequenceToSequenceModel model, Tokenizer sourceTokenizer,
    Tokenizer tokenizer, SequenceToSequenceTokens tokens)
{
    private const int PairsAtOnce = 16;
    private readonly ExplainedTexts _sources = new(sourceTokenizer), _targets = new(tokenizer);

    /// <summary>Explains how a target follows from a source.</summary>
    /// <param name="source">The tokens of the source, special tokens included.</param>
    /// <param name="text">The tokens of the target's text.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public TextExplanation Explain(int[] source, ReadOnlySpan<int> text, TextExplanationRequest request,
        CancellationToken cancellation)
    {
        int[] target = [tokens.StartId, .. tokens.ForcedStartIds, .. text];
        int first = tokens.ForcedStartIds.Count + 1; // the first token that the model chooses
        ExplainedTexts.Check(request, "text", source.Length, model.SourceLength);
        ExplainedTexts.Check(request, "target", target.Length, model.ContextLength);
        int at = ExplainedTexts.Position(request.Token, first, first, target.Length);
        float[] logits = new float[model.VocabularySize];
        using (IDecodingState state = model.CreateState([source]))
            state.Append(target.AsSpan(0, at), logits);
        var explanation = new TextExplanation
        {
            Tokens = _sources.Of(source, []),
            Target = _targets.Of(target, model.Score([(source, target)], cancellation)[0]),
            Prediction = _targets.Predict(at, at - 1, at < target.Length ? target[at] : null, logits,
                request.Alternatives,
                token => Attributions.Of(model, request, new(source, target[..at], at - 1, token.Id,
                    Places(source.Length, at)), () => Occlude(source, target.AsSpan(0, at), token, cancellation),
                    cancellation)),
        };
        if (model is not EncoderDecoder network)
            return explanation with { Attention = Alignments(source, target, cancellation) };
        EncoderDecoderConfig config = network.Config;
        ExplainedTexts.CheckWeights(config.HeadCount * Math.Max(config.EncoderLayerCount, config.DecoderLayerCount),
            Math.Max(source.Length, target.Length), Math.Max(source.Length, target.Length));
        (PassTrace read, PassTrace written) = network.Trace(source, target, cancellation);
        return explanation with
        {
            Attention =
            [
                ExplainedTexts.Map(AttentionKind.Text, read, source.Length, cancellation),
                ExplainedTexts.Map(AttentionKind.Target, written, target.Length, cancellation),
                new AttentionMap(AttentionKind.Cross, written.Heads, target.Length, source.Length, written.Cross),
            ],
            Lens = new LogitLens(_targets, model.VocabularySize, network.HeadLogits).Read(written,
                [.. target.Skip(1).Select(id => (int?)id), null], request.Alternatives, cancellation),
        };
    }

    /// <summary>The tokens of the source and of the target's first tokens that are not special tokens.</summary>
    private TokenPlace[] Places(int source, int read)
    {
        int sourceStart = tokens.SourceStartIds.Count, start = tokens.ForcedStartIds.Count + 1;
        return
        [
            .. Enumerable.Range(sourceStart, source - tokens.SourceEndIds.Count - sourceStart)
                .Select(i => new TokenPlace(false, i)),
            .. Enumerable.Range(start, read - start).Select(i => new TokenPlace(true, i)),
        ];
    }

    /// <summary>Scores a token given each source and each target that lack one of their tokens.</summary>
    private TokenEffect[] Occlude(int[] source, ReadOnlySpan<int> context, PredictedToken token,
        CancellationToken cancellation)
    {
        int[] target = [.. context, token.Id];
        return [.. Places(source.Length, context.Length).Where(place => place.IsTarget || source.Length > 1)
            .Select(place => (place.IsTarget, place.Position,
                Source: place.IsTarget ? source : Without(source, place.Position),
                Target: place.IsTarget ? Without(target, place.Position) : target))
            .Chunk(PairsAtOnce).SelectMany(some => model.Score(
            [.. some.Select(pair => ((ReadOnlyMemory<int>)pair.Source, (ReadOnlyMemory<int>)pair.Target))],
            cancellation).Select((scores, i) => new TokenEffect(some[i].IsTarget, some[i].Position,
                token.LogProbability - scores[^1].LogProbability)))];

        static int[] Without(int[] ids, int position) => [.. ids[..position], .. ids[(position + 1)..]];
    }

    /// <summary>The mean weights of attention to the source of a model that only returns these.</summary>
    private AttentionMap[] Alignments(int[] source, int[] target, CancellationToken cancellation)
    {
        using IDecodingState state = model.CreateState([source]);
        if (state is not IAlignedState aligned)
            return [];
        float[] logits = new float[model.VocabularySize], weights = new float[target.Length * source.Length];
        for (int t = 0; t < target.Length; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            state.Append(target.AsSpan(t, 1), logits);
            if (aligned.Alignments.IsEmpty)
                return [];
            aligned.Alignments.CopyTo(weights.AsSpan(t * source.Length));
        }
        return [new AttentionMap(AttentionKind.Cross, 1, target.Length, source.Length, [weights])];
    }
}
