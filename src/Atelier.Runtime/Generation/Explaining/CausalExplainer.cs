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
                token => request.Occlusion ? Occlude(ids.AsSpan(0, at), token, cancellation) : []),
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

    /// <summary>Scores a token after each text that lacks one of the tokens. The start token always stays.</summary>
    private OccludedToken[] Occlude(ReadOnlySpan<int> context, PredictedToken token, CancellationToken cancellation)
    {
        int first = context[0] == bounds.StartId || context.Length == 1 ? 1 : 0;
        var texts = new List<ReadOnlyMemory<int>>();
        for (int left = first; left < context.Length; left++)
            texts.Add((int[])[.. context[..left], .. context[(left + 1)..], token.Id]);
        return [.. texts.Chunk(SequencesAtOnce)
            .SelectMany(some => model.Score(some, cancellation))
            .Select((scores, i) =>
                new OccludedToken(false, first + i, token.LogProbability - scores[^1].LogProbability))];
    }
}
