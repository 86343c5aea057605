using System.Globalization;
using Atelier.Evaluation;

namespace Atelier.Compress;

/// <summary>Metrics of a model before or after compression.</summary>
/// <param name="Bytes">The size of its weight files.</param>
/// <param name="TokensPerSecond">The speed of generating one text on this machine.</param>
/// <param name="Loss">Held-out cross-entropy in nats a character, with its 95 % interval; null where there was no
/// held-out text.</param>
public sealed record CompressionFigures(long Bytes, double TokensPerSecond, Metric? Loss);

/// <summary>The result of a compression.</summary>
/// <param name="Bundle">The folder of the compressed model.</param>
/// <param name="Type">"q8" or "q4".</param>
/// <param name="Before">The original model.</param>
/// <param name="After">The compressed model.</param>
/// <param name="LossChange">After minus before on the same resampled text, with its 95 % interval; null where there was
/// no held-out text.</param>
/// <param name="Data">The data that both were evaluated on; null if there was none.</param>
public sealed record CompressionReport(
    string Bundle, string Type, CompressionFigures Before, CompressionFigures After, Metric? LossChange, string? Data)
{
    /// <summary>The report as a table for the model card, Markdown.</summary>
    public string ToMarkdown()
    {
        static string Loss(Metric? loss) => loss is null
            ? "not evaluated"
            : string.Create(CultureInfo.InvariantCulture,
                $"{loss.Value:0.0000} [{loss.Low:0.0000}, {loss.High:0.0000}]");
        return string.Create(CultureInfo.InvariantCulture, $"""

            ## Compressed
            | | before | {Type} |
            |---|---|---|
            | held-out nats a character | {Loss(Before.Loss)} | {Loss(After.Loss)} |
            | weights, MB | {Before.Bytes / 1e6:0.00} | {After.Bytes / 1e6:0.00} |

            """);
    }
}
