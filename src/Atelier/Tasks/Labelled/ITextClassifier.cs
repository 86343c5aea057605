namespace Atelier.Tasks.Labelled;

/// <summary>A capability: predicts the label of a text. Implementations are thread-safe.</summary>
public interface ITextClassifier
{
    /// <summary>The labels that texts may have.</summary>
    IReadOnlyList<string> Labels { get; }

    /// <summary>Classifies texts. Texts that are longer than a sequence of the model are cut.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>For each text, the probability of each label, in the order of <see cref="Labels"/>.</returns>
    /// <exception cref="AtelierException">A text has a character that the vocabulary cannot encode.</exception>
    IReadOnlyList<float[]> Classify(IReadOnlyList<string> texts, CancellationToken cancellation = default);
}
