namespace Atelier.Abstractions;

/// <summary>
/// A capability: explains what a model does with a text, as far as its kind allows. It returns the weights of attention
/// of each head, the predictions of each layer, and the effect of each token on a prediction. Safe for concurrent use.
/// </summary>
public interface ITextExplainable
{
    /// <summary>Explains what the model does with a text.</summary>
    /// <param name="request">The text and the token to explain.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The text is too long, or the model cannot read it or predict the token.
    /// </exception>
    TextExplanation ExplainText(TextExplanationRequest request, CancellationToken cancellation = default);
}

/// <summary>A text to explain.</summary>
/// <param name="Text">The text. Models that fill in masks predict its first mask.</param>
public sealed record TextExplanationRequest(string Text)
{
    /// <summary>The largest number of tokens of a text, and of a target.</summary>
    public const int MostTokens = 256;

    /// <summary>The largest number of weights of attention in an explanation.</summary>
    public const int MostWeights = 1 << 22;

    /// <summary>The largest number of alternatives.</summary>
    public const int MostAlternatives = 20;

    /// <summary>The target text of an encoder-decoder; null explains the one that the model writes itself.</summary>
    public string? Target { get; init; }

    /// <summary>
    /// The position of the token whose prediction is explained, among all tokens of the text or of the target, special
    /// tokens included. The number of tokens stands for the token that would follow. Null takes the token that would
    /// follow, the first token of a target, or the first mask.
    /// </summary>
    public int? Token { get; init; }

    /// <summary>The number of most probable tokens to return for each prediction, at least 1.</summary>
    public int Alternatives { get; init; } = 5;

    /// <summary>
    /// The methods by which the prediction is attributed to the tokens that the model reads. By default only
    /// occlusion, which every model can do.
    /// </summary>
    public IReadOnlyList<AttributionMethod> Methods { get; init; } = [AttributionMethod.Occlusion];

    /// <summary>
    /// The model that computes the gradients of <see cref="Methods"/>: a neural network that was opened for training.
    /// Null takes the model that explains the text.
    /// </summary>
    public IEmbeddingGradients? Gradients { get; init; }
}

/// <summary>How a prediction is attributed to the tokens that a model reads.</summary>
public enum AttributionMethod
{
    /// <summary>
    /// The log-probability given all tokens minus that without the token, which takes a pass of the model for each of
    /// them. Models of masks read a mask in its place; the others do not read it.
    /// </summary>
    Occlusion,

    /// <summary>
    /// The integral of the gradient on the straight line from a baseline to the text, times the distance of each token
    /// from the baseline (Sundararajan et al. 2017, eq. 1). The effects sum to the difference of the log-probabilities
    /// at both ends.
    /// </summary>
    IntegratedGradients,

    /// <summary>
    /// The gradient with respect to the embedding of each token, times the embedding (Shrikumar et al. 2017).
    /// </summary>
    GradientTimesInput,
}

/// <summary>What a model does with a text.</summary>
public sealed record TextExplanation
{
    /// <summary>The tokens of the text as the model reads them, special tokens included.</summary>
    public required IReadOnlyList<ExplainedToken> Tokens { get; init; }

    /// <summary>The tokens of the target as the decoder of an encoder-decoder reads them; otherwise empty.</summary>
    public IReadOnlyList<ExplainedToken> Target { get; init; } = [];

    /// <summary>The weights of attention; empty if the model has none.</summary>
    public IReadOnlyList<AttentionMap> Attention { get; init; } = [];

    /// <summary>
    /// The logit lens (nostalgebraist 2020): what the model would predict at each position if a layer were its last,
    /// [layers + 1, positions]. The first is of the embeddings, the last is the prediction of the model. Causal models
    /// predict the next token, the others the token at the position. Empty if the model has no layers.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<LensPrediction>> Lens { get; init; } = [];

    /// <summary>
    /// The probability of each hidden state at each token given the whole text, a row for each token;
    /// that of the start token is empty. No rows if the model has no hidden states.
    /// </summary>
    public IReadOnlyList<double[]> States { get; init; } = [];

    /// <summary>The prediction of the chosen token; null if none was asked for.</summary>
    public ExplainedPrediction? Prediction { get; init; }
}

/// <summary>A token of an explained text.</summary>
/// <param name="Id">The id of the token.</param>
/// <param name="Text">Its text, or its name if it is a special token or not whole characters.</param>
/// <param name="LogProbability">The log-probability of the token given those before it, in nats; null for the first
/// token and for models that do not predict the next token.</param>
public sealed record ExplainedToken(int Id, string Text, double? LogProbability = null);

/// <summary>A token that a model may predict.</summary>
/// <param name="Id">The id of the token.</param>
/// <param name="Text">Its text, or its name if it is a special token or not whole characters.</param>
/// <param name="LogProbability">Its log-probability in nats.</param>
public sealed record PredictedToken(int Id, string Text, double LogProbability);

/// <summary>What a layer predicts at a position.</summary>
/// <param name="Top">The most probable tokens, the most probable first.</param>
/// <param name="LogProbability">The log-probability of the token that is there, in nats; null at the end.</param>
public sealed record LensPrediction(IReadOnlyList<PredictedToken> Top, double? LogProbability);

/// <summary>The prediction of a token, and what it rests on.</summary>
/// <param name="Position">The position of the token in the target, or in the text if there is no target.</param>
/// <param name="Query">The position at which the model predicts it: that before it in causal models, its own in the
/// others. The lens and attention of this position belong to the prediction.</param>
/// <param name="Token">The token.</param>
/// <param name="Alternatives">The most probable tokens at the position, the most probable first.</param>
/// <param name="Attributions">The attributions to the tokens that the model reads, in the order of the
/// request.</param>
public sealed record ExplainedPrediction(int Position, int Query, PredictedToken Token,
    IReadOnlyList<PredictedToken> Alternatives, IReadOnlyList<Attribution> Attributions)
{
    /// <summary>Returns the effects of tokens by a method; empty if it was not asked for.</summary>
    public IReadOnlyList<TokenEffect> Effects(AttributionMethod method) =>
        Attributions.FirstOrDefault(one => one.Method == method)?.Tokens ?? [];
}

/// <summary>The attribution of a prediction to the tokens that the model reads.</summary>
/// <param name="Method">The method.</param>
/// <param name="Tokens">The tokens; special tokens are left out.</param>
public sealed record Attribution(AttributionMethod Method, IReadOnlyList<TokenEffect> Tokens)
{
    /// <summary>How exact an integral is; null for methods that do not integrate.</summary>
    public Completeness? Completeness { get; init; }
}

/// <summary>How exact integrated gradients are.</summary>
/// <param name="Points">The number of points of the integral.</param>
/// <param name="Change">The log-probability given the text minus that given the baseline, in nats.</param>
/// <param name="Sum">The sum of the effects, which would be equal to the change if the integral were exact.</param>
public sealed record Completeness(int Points, double Change, double Sum)
{
    /// <summary>The difference of the sum from the change, as a share of the change.</summary>
    public double Error => Math.Abs(Sum - Change) / Math.Max(Math.Abs(Change), double.Epsilon);
}

/// <summary>The effect of a token on a prediction.</summary>
/// <param name="IsTarget">Whether the token is part of the target rather than of the text.</param>
/// <param name="Position">The position of the token.</param>
/// <param name="Effect">The effect in nats: above 0 where the token makes the prediction more probable.</param>
public sealed record TokenEffect(bool IsTarget, int Position, double Effect);

/// <summary>Which tokens attend to which.</summary>
public enum AttentionKind
{
    /// <summary>The tokens of the text to one another.</summary>
    Text,

    /// <summary>The tokens of the target to one another.</summary>
    Target,

    /// <summary>The tokens of the target to those of the text.</summary>
    Cross,
}

/// <summary>The weights of attention of all layers and heads.</summary>
/// <param name="Kind">Which tokens attend to which.</param>
/// <param name="HeadCount">Number of heads in a layer.</param>
/// <param name="QueryCount">Number of tokens that attend.</param>
/// <param name="KeyCount">Number of tokens that they attend to.</param>
/// <param name="Weights">The weights by layer, [heads, queries, keys]. Those of a query in a head sum to 1.</param>
public sealed record AttentionMap(AttentionKind Kind, int HeadCount, int QueryCount, int KeyCount,
    IReadOnlyList<float[]> Weights)
{
    /// <summary>
    /// Attention rollout, [queries, keys]: how much of the last layer at a query comes from the token at a key if
    /// attention alone moved information, with the residual connections (Abnar and Zuidema 2020, eq. 1). Those of a
    /// query sum to 1. Null for attention to another text.
    /// </summary>
    public float[]? Rollout { get; init; }
}
