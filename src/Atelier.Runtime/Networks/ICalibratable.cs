namespace Atelier.Networks;

/// <summary>
/// A network that shows what its linear layers multiply, as the calibration of quantised weights needs.
/// </summary>
public interface ICalibratable
{
    /// <summary>Reads a sequence and shows the input vectors of each linear layer of its blocks.</summary>
    /// <param name="tokens">The tokens, at least one and at most as many as the network reads at once.</param>
    /// <param name="inputs">Receives the vectors.</param>
    /// <exception cref="AtelierException">A token is not in the vocabulary, or there are too many.</exception>
    void Calibrate(ReadOnlyMemory<int> tokens, ILinearInputs inputs);
}

/// <summary>Receives the input vectors of linear layers.</summary>
public interface ILinearInputs
{
    /// <summary>Receives vectors that a weight matrix is multiplied with.</summary>
    /// <param name="weight">The name of the weight matrix in its file. Layers whose weights are rows of one matrix have
    /// one name, and the same vectors are received for each of them.</param>
    /// <param name="vectors">The vectors, [vectors, columns].</param>
    /// <param name="columns">Number of elements of a vector.</param>
    void Add(string weight, ReadOnlySpan<float> vectors, int columns);
}
