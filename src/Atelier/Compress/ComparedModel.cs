using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Recipes;

namespace Atelier.Compress;

/// <summary>An opened text model as compression needs it: how it is calibrated, written, and compared.</summary>
internal abstract class ComparedModel : IDisposable
{
    /// <summary>Opens a bundle.</summary>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="open">Opens a bundle for inference.</param>
    /// <exception cref="AtelierException">It is no text model that can be compressed.</exception>
    public static ComparedModel Open(string folder, Func<string, ITrainedModel> open)
    {
        ITrainedModel model = open(folder);
        if (model.As<TextGenerator>() is { } text)
            return new ComparedGenerator(text);
        if (model.As<MaskedTextGenerator>() is { Model: Encoder encoder } masked)
            return new ComparedEncoder(masked, encoder);
        model.Dispose();
        throw new AtelierException("only text models can be compressed", folder);
    }

    /// <summary>The network, if it shows the inputs of its layers.</summary>
    public abstract ICalibratable? Network { get; }

    /// <summary>The largest number of tokens of a text that the network reads at once.</summary>
    protected abstract int WindowLength { get; }

    /// <summary>The largest number of windows of a text to read.</summary>
    protected abstract int MostWindows { get; }

    /// <summary>Returns evenly spaced windows of a text, as the network reads them.</summary>
    public IEnumerable<ReadOnlyMemory<int>> Windows(TokenFile text)
    {
        if (text.Count == 0)
            yield break;
        int length = (int)Math.Min(WindowLength, text.Count);
        foreach (long start in TokenWindows.Starts(text.Count, length, MostWindows))
        {
            int[] tokens = new int[length];
            text.Read(start, tokens);
            yield return Sequence(tokens);
        }
    }

    /// <summary>Writes the weights of a bundle of this kind in blocks.</summary>
    /// <param name="path">The file.</param>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="weights">The weights of the bundle.</param>
    /// <param name="type">The type of the blocks.</param>
    /// <param name="rounding">Rounds a tensor, as <see cref="Exchange.ModelWriter"/> describes.</param>
    /// <param name="cancellation">Cancels before the next tensor.</param>
    public abstract void WriteBlocks(string path, string folder, ModelWeights weights, WeightType type,
        Func<ModelTensor, TensorLayout, WeightType, byte[]?> rounding, CancellationToken cancellation);

    /// <summary>Compares a compressed copy with this model.</summary>
    /// <param name="compressed">The copy.</param>
    /// <param name="data">The held-out text; null for none.</param>
    /// <param name="recipe">The recipe, which gives the evaluation options.</param>
    /// <param name="folder">The folder of the copy, for error messages.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the comparison.</param>
    public abstract ModelComparison Compare(ComparedModel compressed, TextData? data, Recipe recipe, string folder,
        IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Returns the loss of quality of a compressed copy on a few windows of a text, as a share.</summary>
    /// <param name="compressed">The copy.</param>
    /// <param name="text">The text.</param>
    /// <param name="cancellation">Cancels the comparison.</param>
    public abstract double QuickLoss(ComparedModel compressed, TokenFile text, CancellationToken cancellation);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Returns a window of a text as the network reads it.</summary>
    protected abstract ReadOnlyMemory<int> Sequence(int[] window);
}

/// <summary>The result of a comparison.</summary>
/// <param name="Speeds">The tokens per second of both models.</param>
/// <param name="Before">The held-out loss of the original; null if it was not evaluated.</param>
/// <param name="After">The held-out loss of the copy.</param>
/// <param name="Change">Their difference.</param>
/// <param name="Similarity">The correlation of the similarities of passages, for encoders.</param>
internal sealed record ModelComparison(IReadOnlyList<double> Speeds, Metric? Before = null, Metric? After = null,
    Metric? Change = null, Metric? Similarity = null);
