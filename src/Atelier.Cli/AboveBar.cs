using Spectre.Console.Rendering;

namespace Atelier.Cli;

/// <summary>
/// Writes a line in place of a progress bar, which is cleared first: a shorter line would not cover it.
/// </summary>
/// <param name="content">The content to write.</param>
internal sealed class AboveBar(IRenderable content) : IRenderable
{
    /// <inheritdoc/>
    public Measurement Measure(RenderOptions options, int maxWidth) => content.Measure(options, maxWidth);

    /// <inheritdoc/>
    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
        content.Render(options, maxWidth).Prepend(Segment.Control(ToolConsole.ClearBelow));
}
