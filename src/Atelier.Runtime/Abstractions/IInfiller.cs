namespace Atelier.Abstractions;

/// <summary>
/// The capability to fill in the masks of a text, and to judge how well each token of a text fits the others. Safe for
/// concurrent use.
/// </summary>
public interface IInfiller
{
    /// <summary>The text that stands for a mask, such as "[MASK]".</summary>
    string MaskText { get; }

    /// <summary>
    /// Fills in the masks of a text with their most probable tokens: first the mask whose token is most certain, then
    /// the others by the same rule, given those that are filled in.
    /// </summary>
    /// <param name="text">A text with at least one <see cref="MaskText"/>.</param>
    /// <param name="alternatives">The number of most probable tokens to return for each mask.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The text has no mask, or is longer than the context of the model.</exception>
    InfilledSample Infill(string text, int alternatives = 5, CancellationToken cancellation = default);

    /// <summary>
    /// Computes the pseudo-log-likelihood of a text in nats: the sum over its tokens of the log-probability of each
    /// given all others (Salazar et al. 2020, eq. 1). It compares texts, but is no log-probability of the text.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The text is empty, or longer than the context of the model.</exception>
    double PseudoLogLikelihood(string text, CancellationToken cancellation = default);
}
