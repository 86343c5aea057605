using Spectre.Console.Rendering;

namespace Atelier.Cli;

/// <summary>
/// Something written where a bar stands, which is cleared first: a shorter line would leave the bar's end behind it.
/// </summary>
/// <param name="content">What is written.</param>
internal sealed class AboveBar(IRenderable content) : IRenderable
{
    /// <inheritdoc/>
    public Measurement Measure(RenderOptions options, int maxWidth) => content.Measure(options, maxWidth);

    /// <inheritdoc/>
    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
        content.Render(options, maxWidth).Prepend(Segment.Control(ToolConsole.ClearBelow));
}
