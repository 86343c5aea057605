using Atelier.Data.Text;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Compress;

/// <summary>The model to compress, with its recipe and the texts to calibrate and compare on.</summary>
/// <param name="bundle">The bundle of the model.</param>
/// <param name="recipe">The recipe of its run; the default recipe for a bundle without a run.</param>
/// <param name="work">A temporary folder, which is deleted with the texts.</param>
internal sealed class CompressionTexts(Bundle bundle, Recipe recipe, WorkFolder work) : IDisposable
{
    /// <summary>The bundle.</summary>
    public Bundle Bundle => bundle;

    /// <summary>The recipe.</summary>
    public Recipe Recipe => recipe;

    /// <summary>A temporary folder.</summary>
    public string Folder => work.Path;

    /// <summary>The data of the run; null if there are none.</summary>
    public TextData? Own { get; set; }

    /// <summary>Other data to compare on; null for none.</summary>
    public TextData? Against { get; set; }

    /// <summary>Other data to calibrate on; null for none.</summary>
    public TextData? Other { get; set; }

    /// <summary>The text to calibrate on; null if there is none.</summary>
    public TokenFile? Calibration => Other?.Test ?? Own?.Train;

    /// <summary>The data to compare on; null if there are none.</summary>
    public TextData? HeldOut => Against ?? Own;

    /// <summary>
    /// The text to choose by: not that of the final comparison, if there is another.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no held-out text.</exception>
    public TokenFile Selection => Against is null && Own is { Validation.Count: > 0 } ? Own.Validation
        : HeldOut?.Test ?? throw new InvalidOperationException("there is no held-out text");

    /// <inheritdoc/>
    public void Dispose()
    {
        Own?.Dispose();
        Against?.Dispose();
        Other?.Dispose();
        work.Dispose();
    }
}
