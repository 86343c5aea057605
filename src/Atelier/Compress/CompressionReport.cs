using System.Globalization;
using Atelier.Evaluation;

namespace Atelier.Compress;

/// <summary>The metrics of a model before or after compression.</summary>
/// <param name="Bytes">The size of the weight files in bytes.</param>
/// <param name="MemoryBytes">The memory of the weights in bytes when the model is open.</param>
/// <param name="TokensPerSecond">The speed on this machine of generating one text, or of reading texts for a model that
/// turns texts into vectors.</param>
/// <param name="Loss">The held-out cross-entropy in nats per character, with its 95 % interval; null if there was no
/// held-out text, or for a model that turns texts into vectors.</param>
public sealed record CompressionFigures(long Bytes, long MemoryBytes, double TokensPerSecond, Metric? Loss);

/// <summary>The result of a compression.</summary>
/// <param name="Bundle">The folder of the compressed model.</param>
/// <param name="Type">What was done, such as "q4" or "pruned-50%-q8".</param>
/// <param name="Before">The metrics of the original model.</param>
/// <param name="After">The metrics of the compressed model.</param>
/// <param name="LossChange">The loss after compression minus the loss before, with its 95 % interval by the paired
/// bootstrap; null if there was no held-out text.</param>
/// <param name="Data">The data that both were evaluated on; null if there was none.</param>
public sealed record CompressionReport(
    string Bundle, string Type, CompressionFigures Before, CompressionFigures After, Metric? LossChange, string? Data)
{
    /// <summary>Whether pruning, or the rounding of weights, was calibrated on text.</summary>
    public bool IsCalibrated { get; init; }

    /// <summary>
    /// For a model that turns texts into vectors: the correlation of the similarities of held-out passages before and
    /// after, with its 95 % interval; otherwise null.
    /// </summary>
    public Metric? Similarity { get; init; }

    /// <summary>
    /// The loss of quality as a share, with the upper end of its 95 % interval: the increase of the held-out loss, or
    /// what the correlation of similarities lacks.
    /// </summary>
    internal (double Loss, double Most) LostShare => Similarity is { } similarity
        ? (1 - similarity.Value, 1 - similarity.Low)
        : (LossChange!.Value / Before.Loss!.Value, LossChange.High / Before.Loss.Value);

    /// <summary>Returns the report as a table for the model card, in Markdown.</summary>
    public string ToMarkdown()
    {
        static string Loss(Metric? loss) => loss is null
            ? "not evaluated"
            : string.Create(CultureInfo.InvariantCulture,
                $"{loss.Value:0.0000} [{loss.Low:0.0000}, {loss.High:0.0000}]");
        string quality = Similarity is null
            ? $"| held-out nats a character | {Loss(Before.Loss)} | {Loss(After.Loss)} |"
            : $"| similarities of held-out passages, correlation with the original | 1 | {Loss(Similarity)} |";
        return string.Create(CultureInfo.InvariantCulture, $"""

            ## Compressed
            | | before | {Type} |
            |---|---|---|
            {quality}
            | weights on disk, MB | {Before.Bytes / 1e6:0.00} | {After.Bytes / 1e6:0.00} |
            | weights in memory, MB | {Before.MemoryBytes / 1e6:0.00} | {After.MemoryBytes / 1e6:0.00} |
            | tokens a second | {Before.TokensPerSecond:0} | {After.TokensPerSecond:0} |

            """);
    }
}
