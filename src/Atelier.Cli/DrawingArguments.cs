using System.CommandLine;
using Atelier.Decoding;

namespace Atelier.Cli;

/// <summary>The options of how pictures are drawn.</summary>
internal sealed class DrawingArguments
{
    private readonly Option<string?> _sampler = new("--sampler") { HelpName = "NAME", Description = "How pictures are drawn: ancestral, ddim, euler, heun or dpm." };
    private readonly Option<int?> _steps = new("--steps") { HelpName = "N", Description = "Steps from noise to picture." };
    private readonly Option<double?> _guidance = new("--guidance") { HelpName = "X", Description = "The weight of the class: 1 as learned, more presses it." };

    public void AddTo(Command command)
    {
        command.Add(_sampler);
        command.Add(_steps);
        command.Add(_guidance);
    }

    /// <summary>What was given; null where nothing was.</summary>
    public DrawingOptions? Read(ParseResult parse)
    {
        DrawingOptions given = new() { Sampler = parse.GetValue(_sampler), Steps = parse.GetValue(_steps), Guidance = parse.GetValue(_guidance) };
        return given == new DrawingOptions() ? null : given;
    }
}
