using Atelier.Abstractions;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Generation.Explaining;

/// <summary>
/// Explains the predictions of a model of the next token. Transformers in managed code also return their attention and
/// what each layer predicts.
/// </summary>
internal sealed class CausalExplainer(ILanguageModel model, Tokenizer tokenizer, TextBounds bounds)
{
    private const int SequencesAtOnce = 16;
    private readonly ExplainedTexts _texts = new(tokenizer);

    /// <inheritdoc cref="ITextExplainable.ExplainText"/>
    public TextExplanation Explain(TextExplanationRequest request, CancellationToken cancellation)
    {
        if (request.Target is not null)
            throw new AtelierException("this kind of model has no target", Mention.Field("target"), "leave it out");
        int[] ids = bounds.Begin(tokenizer.Encode(request.Text));
        ExplainedTexts.Check(request, "text", ids.Length, model.ContextLength);
        int at = ExplainedTexts.Position(request.Token, ids.Length, 1, ids.Length);
        float[] logits = new float[model.VocabularySize];
        using (IDecodingState state = model.CreateState(1))
            state.Append(ids.AsSpan(0, at), logits);
        var explanation = new TextExplanation
        {
            Tokens = _texts.Of(ids, model.Score([ids], cancellation)[0]),
            Prediction = _texts.Predict(at, at - 1, at < ids.Length ? ids[at] : null, logits, request.Alternatives,
                token => Attributions.Of(model, request, new(ids[..at], [], at - 1, token.Id, Places(ids, at)),
                    () => Occlude(ids.AsSpan(0, at), token, cancellation), cancellation)),
        };
        if (model is IHiddenStates states)
            return explanation with { States = StatesOf(states, ids, cancellation) };
        if (model is not Decoder decoder)
            return explanation;
        ExplainedTexts.CheckWeights(decoder.Config.LayerCount * decoder.Config.HeadCount, ids.Length, ids.Length);
        PassTrace trace = decoder.Trace(ids);
        return explanation with
        {
            Attention = [ExplainedTexts.Map(AttentionKind.Text, trace, ids.Length, cancellation)],
            Lens = new LogitLens(_texts, model.VocabularySize, decoder.HeadLogits).Read(trace,
                [.. ids.Skip(1).Select(id => (int?)id), null], request.Alternatives, cancellation),
        };
    }

    private double[][] StatesOf(IHiddenStates states, int[] ids, CancellationToken cancellation)
    {
        int start = ids[0] == bounds.StartId ? 1 : 0;
        double[][] none = [.. Enumerable.Repeat<double[]>([], start)];
        return ids.Length == start ? none : [.. none, .. states.Posteriors(ids.AsMemory(start), cancellation)];
    }

    /// <summary>The places of the first tokens, without the start token, which always stays.</summary>
    private TokenPlace[] Places(ReadOnlySpan<int> ids, int count)
    {
        int first = ids[0] == bounds.StartId || count == 1 ? 1 : 0;
        return [.. Enumerable.Range(first, count - first).Select(i => new TokenPlace(false, i))];
    }

    /// <summary>Scores a token after each text that lacks one of the tokens.</summary>
    private TokenEffect[] Occlude(ReadOnlySpan<int> context, PredictedToken token, CancellationToken cancellation)
    {
        TokenPlace[] places = Places(context, context.Length);
        var effects = new List<TokenEffect>();
        foreach (TokenPlace[] some in places.Chunk(SequencesAtOnce))
        {
            var texts = new List<ReadOnlyMemory<int>>();
            foreach ((_, int left) in some)
                texts.Add((int[])[.. context[..left], .. context[(left + 1)..], token.Id]);
            effects.AddRange(model.Score(texts, cancellation).Select((scores, i) =>
                new TokenEffect(false, some[i].Position, token.LogProbability - scores[^1].LogProbability)));
        }
        return [.. effects];
    }
}
