using Atelier.Abstractions;

namespace Atelier.Generation.Explaining;

/// <summary>Attributes predictions to tokens, by occlusion and by gradients.</summary>
internal static class Attributions
{
    private const int FewestPoints = 16, MostPoints = 1024;
    private const double Tolerance = 0.005; // of the change; half of what is promised
    private const double Rounding = 1e-4; // nats; a change that is hardly larger cannot be reached in fp32
    private const double Settled = 1e-3; // nats, or of the largest effect: how much more points may still change

    /// <summary>Returns the attributions that a request asks for.</summary>
    /// <param name="model">The model that explains the text.</param>
    /// <param name="request">The methods, and the model that computes gradients.</param>
    /// <param name="prediction">The prediction, in which all tokens move that are not special tokens.</param>
    /// <param name="occlude">Returns the effects of the tokens by occlusion.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The model computes no gradients.</exception>
    public static IReadOnlyList<Attribution> Of(object model, TextExplanationRequest request,
        DifferentiatedPrediction prediction, Func<IReadOnlyList<TokenEffect>> occlude, CancellationToken cancellation)
    {
        return [.. request.Methods.Select(method => method switch
        {
            AttributionMethod.Occlusion => new Attribution(method, occlude()),
            AttributionMethod.IntegratedGradients => Integrate(Gradients(), prediction, cancellation),
            _ => Multiply(Gradients(), prediction, cancellation),
        })];

        IEmbeddingGradients Gradients() => request.Gradients ?? model as IEmbeddingGradients
            ?? throw new AtelierException("this model computes no gradients", Mention.Field("by"),
                "use occlusion, or a neural network that is opened for training");
    }

    private static Attribution Multiply(IEmbeddingGradients model, DifferentiatedPrediction prediction,
        CancellationToken cancellation) => new(AttributionMethod.GradientTimesInput,
            Effects(prediction, model.Differentiate(prediction, [1], cancellation)[0].AlongTokens));

    /// <summary>
    /// (x − b) ∫₀¹ ∂ log p(b + α (x − b)) / ∂x dα (Sundararajan et al. 2017, eq. 1) by Gauss-Legendre quadrature. The
    /// number of points doubles until the effects no longer change and their sum is the change of the log-probability.
    /// </summary>
    private static Attribution Integrate(IEmbeddingGradients model, DifferentiatedPrediction prediction,
        CancellationToken cancellation)
    {
        IReadOnlyList<EmbeddingGradient> ends = model.Differentiate(prediction, [0, 1], cancellation);
        double change = ends[1].LogProbability - ends[0].LogProbability;
        double[] effects = Integrate(model, prediction, FewestPoints, cancellation);
        for (int count = 2 * FewestPoints; ; count *= 2)
        {
            double[] finer = Integrate(model, prediction, count, cancellation);
            double largest = finer.Select(Math.Abs).DefaultIfEmpty(0).Max(),
                moved = finer.Zip(effects, (one, other) => Math.Abs(one - other)).DefaultIfEmpty(0).Max();
            effects = finer;
            var completeness = new Completeness(count, change, effects.Sum());
            bool isComplete = Math.Abs(completeness.Sum - change) <= Math.Max(Tolerance * Math.Abs(change), Rounding)
                && moved <= Settled * Math.Max(1, largest);
            if (isComplete || count >= MostPoints)
                return new(AttributionMethod.IntegratedGradients, Effects(prediction, effects))
                {
                    Completeness = completeness,
                };
        }
    }

    private static double[] Integrate(IEmbeddingGradients model, DifferentiatedPrediction prediction, int count,
        CancellationToken cancellation)
    {
        (double[] points, double[] weights) = GaussLegendre.Rule(count);
        double[] effects = new double[prediction.Moving.Count];
        foreach ((EmbeddingGradient gradient, double weight) in
            model.Differentiate(prediction, points, cancellation).Zip(weights))
        {
            for (int i = 0; i < effects.Length; i++)
                effects[i] += weight * (gradient.AlongTokens[i] - gradient.AlongBaseline[i]);
        }
        return effects;
    }

    private static TokenEffect[] Effects(DifferentiatedPrediction prediction, IReadOnlyList<double> effects) =>
        [.. prediction.Moving.Zip(effects, (place, effect) => new TokenEffect(place.IsTarget, place.Position, effect))];
}
