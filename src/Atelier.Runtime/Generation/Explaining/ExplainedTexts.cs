using Atelier.Abstractions;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Generation.Explaining;

/// <summary>What explanations of all kinds of text models share: the texts of tokens, and checked requests.</summary>
/// <param name="tokenizer">The tokenizer of the tokens.</param>
/// <param name="masked">The mask token and its text, of a model that has one.</param>
internal sealed class ExplainedTexts(Tokenizer tokenizer, MaskedTokens? masked = null)
{
    private static readonly Dictionary<int, double> NoPenalties = [];
    private readonly TokenTexts _texts = new(tokenizer);

    /// <summary>Returns the text of a token, or its name if it has none.</summary>
    public string Of(int id) => id == masked?.MaskId ? masked.MaskText
        : id < tokenizer.VocabularySize ? _texts.Of(id) ?? tokenizer.Name(id)
        : FormattableString.Invariant($"<{id}>"); // a row of the embedding that no token uses

    /// <summary>Returns tokens with their texts.</summary>
    /// <param name="ids">The tokens.</param>
    /// <param name="scores">The scores of all but the first; empty if there are none.</param>
    public IReadOnlyList<ExplainedToken> Of(IReadOnlyList<int> ids, IReadOnlyList<TokenScore> scores) =>
        [.. ids.Select((id, i) => new ExplainedToken(id, Of(id),
            i > 0 && scores.Count > 0 ? scores[i - 1].LogProbability : null))];

    /// <summary>Returns the most probable tokens, the most probable first.</summary>
    public IReadOnlyList<PredictedToken> Top(ReadOnlySpan<float> logits, int count)
    {
        var top = new TopCandidates(count);
        top.Add(0, 0, logits, [], NoPenalties);
        return [.. top.Best.Select(one => new PredictedToken(one.Choice.Id, Of(one.Choice.Id),
            one.Choice.LogProbability))];
    }

    /// <summary>Returns a prediction.</summary>
    /// <param name="position">The position of the token.</param>
    /// <param name="query">The position at which the model predicts it.</param>
    /// <param name="token">The token; null takes the most probable one.</param>
    /// <param name="logits">The logits at the position.</param>
    /// <param name="count">The number of alternatives.</param>
    /// <param name="attribute">Returns the attributions of the log-probability of a token.</param>
    public ExplainedPrediction Predict(int position, int query, int? token, ReadOnlySpan<float> logits, int count,
        Func<PredictedToken, IReadOnlyList<Attribution>> attribute)
    {
        int chosen = token ?? Logits.ArgMax(logits);
        var predicted = new PredictedToken(chosen, Of(chosen), Logits.LogProbability(logits, chosen));
        return new(position, query, predicted, Top(logits, count), attribute(predicted));
    }

    /// <summary>Returns the weights of self-attention with their rollout.</summary>
    public static AttentionMap Map(AttentionKind kind, PassTrace trace, int tokens, CancellationToken cancellation) =>
        new(kind, trace.Heads, tokens, tokens, trace.Attention)
        {
            Rollout = AttentionRollout.Of(trace.Attention, trace.Heads, tokens, cancellation),
        };

    /// <summary>Throws if a request's values are out of their ranges, or a text is too long.</summary>
    /// <param name="request">The request.</param>
    /// <param name="name">The field of the text.</param>
    /// <param name="tokens">Number of tokens of the text.</param>
    /// <param name="longest">The largest number of tokens that the model reads.</param>
    public static void Check(TextExplanationRequest request, string name, int tokens, int longest)
    {
        if (request.Alternatives is < 1 or > TextExplanationRequest.MostAlternatives)
            throw new AtelierException($"{request.Alternatives} alternatives cannot be returned",
                Mention.Field("alternatives"), $"allowed: 1 to {TextExplanationRequest.MostAlternatives}");
        int most = Math.Min(longest, TextExplanationRequest.MostTokens);
        if (tokens > most)
            throw new AtelierException($"the {name} has {Quantity.Of(tokens, "token")}, and an explanation at most "
                + $"{most}", Mention.Field(name), "shorten it");
    }

    /// <summary>Throws if there are too many weights of attention.</summary>
    /// <param name="heads">Number of heads of all layers.</param>
    /// <param name="queries">Number of tokens that attend.</param>
    /// <param name="keys">Number of tokens that they attend to.</param>
    public static void CheckWeights(int heads, int queries, int keys)
    {
        if ((long)heads * queries * keys > TextExplanationRequest.MostWeights)
            throw new AtelierException($"{heads} heads have more than {TextExplanationRequest.MostWeights} weights of "
                + $"attention for {Quantity.Of(keys, "token")}", Mention.Field("text"), "shorten it");
    }

    /// <summary>Returns the chosen position, if it is in range.</summary>
    /// <param name="token">The position; null takes the usual one.</param>
    /// <param name="usual">The usual position.</param>
    /// <param name="first">The first position that is predicted.</param>
    /// <param name="last">The last one.</param>
    public static int Position(int? token, int usual, int first, int last)
    {
        int position = token ?? usual;
        return position >= first && position <= last ? position
            : throw new AtelierException($"token {position} is not predicted", Mention.Field("token"),
                first > last ? "provide a longer text" : $"allowed: {first} to {last}");
    }
}
