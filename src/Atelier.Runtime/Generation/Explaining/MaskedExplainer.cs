using Atelier.Abstractions;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Generation.Explaining;

/// <summary>
/// Explains the predictions of a model that fills in masks, or the attention of an encoder that predicts nothing.
/// </summary>
internal sealed class MaskedExplainer(Tokenizer tokenizer, MaskedTokens tokens)
{
    private readonly ExplainedTexts _texts = new(tokenizer, tokens);

    /// <summary>Explains what an encoder does with a text that it does not predict.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="input">The tokens of the text.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public TextExplanation Explain(Encoder encoder, EncoderInput input, TextExplanationRequest request,
        CancellationToken cancellation)
    {
        Check(request, input.Tokens.Length, encoder.ContextLength);
        if (request.Token is not null)
            throw new AtelierException("the model predicts no tokens", Mention.Field("token"), "leave it out");
        return Trace(encoder, input, request, input.Tokens.ToArray(), cancellation);
    }

    /// <summary>Explains what a masked language model does with a text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">The tokens of the text, special tokens included.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public TextExplanation Explain(IMaskedLanguageModel model, int[] ids, TextExplanationRequest request,
        CancellationToken cancellation)
    {
        Check(request, ids.Length, model.ContextLength);
        int first = tokens.LeadingCount, last = ids.Length - 1 - (tokens.AddedCount - tokens.LeadingCount);
        int usual = tokens.MaskId is { } any ? ids.IndexOf(any) : -1;
        if (request.Token is null && usual < 0)
            return Trace(model, new EncoderInput(ids), request, ids, cancellation);
        int at = ExplainedTexts.Position(request.Token, usual, first, last);
        int mask = tokens.MaskId!.Value;
        int? actual = ids[at] == mask ? null : ids[at];
        int[] read = [.. ids[..at], mask, .. ids[(at + 1)..]];
        float[] logits = model.Predict([new(read, (int[])[at])], cancellation)[0];
        ExplainedPrediction prediction = _texts.Predict(at, at, actual, logits, request.Alternatives,
            token =>
            {
                int[] others = [.. Enumerable.Range(first, last - first + 1).Where(i => read[i] != mask)];
                return Attributions.Of(model, request, new(read, [], at, token.Id,
                    [.. others.Select(i => new TokenPlace(false, i))]),
                    () => Occlude(model, read, (at, mask), others, token, cancellation), cancellation);
            });
        int[] there = [.. read[..at], prediction.Token.Id, .. read[(at + 1)..]];
        return Trace(model, new EncoderInput(read), request, there, cancellation) with { Prediction = prediction };
    }

    private static void Check(TextExplanationRequest request, int tokens, int longest)
    {
        if (request.Target is not null)
            throw new AtelierException("this kind of model has no target", Mention.Field("target"), "leave it out");
        ExplainedTexts.Check(request, "text", tokens, longest);
    }

    /// <summary>Predicts a token from each text in which another token is masked too.</summary>
    private static TokenEffect[] Occlude(IMaskedLanguageModel model, int[] read,
        (int At, int Mask) place, int[] others, PredictedToken token, CancellationToken cancellation)
    {
        var effects = new TokenEffect[others.Length];
        model.PredictEach([.. others.Select(i => new MaskedSequence(
            (int[])[.. read[..i], place.Mask, .. read[(i + 1)..]], (int[])[place.At]))],
            (i, logits) => effects[i] = new TokenEffect(false, others[i],
                token.LogProbability - Logits.LogProbability(logits, token.Id)), cancellation);
        return effects;
    }

    /// <summary>Returns the tokens and, if the model runs in managed code, its attention and predictions.</summary>
    private TextExplanation Trace(IMaskedLanguageModel model, EncoderInput input, TextExplanationRequest request,
        int[] actual, CancellationToken cancellation)
    {
        int count = input.Tokens.Length;
        var explanation = new TextExplanation { Tokens = _texts.Of(input.Tokens.ToArray(), []) };
        if (model is not Encoder encoder)
            return explanation;
        ExplainedTexts.CheckWeights(encoder.Config.LayerCount * encoder.Config.HeadCount, count, count);
        PassTrace trace = encoder.Trace(input);
        return explanation with
        {
            Attention = [ExplainedTexts.Map(AttentionKind.Text, trace, count, cancellation)],
            Lens = !encoder.PredictsTokens ? [] : new LogitLens(_texts, model.VocabularySize, encoder.HeadLogits)
                .Read(trace, [.. actual.Select(id => (int?)id)], request.Alternatives, cancellation),
        };
    }
}
