using System.CommandLine;
using Atelier.Abstractions;

namespace Atelier.Cli;

/// <summary>The options of how pictures are drawn.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<string?> _sampler = new("--sampler") { HelpName = "NAME",
        Description = "How pictures are drawn: ancestral, ddim, euler, heun or dpm." };
    private readonly Option<int?> _steps =
        new("--steps") { HelpName = "N", Description = "Steps from noise to picture." };
    private readonly Option<double?> _guidance =
        new("--guidance") { HelpName = "X", Description = "The weight of the class: 1 as learned, more presses it." };
    private readonly Option<string?> _from = new("--from") { HelpName = "PICTURE",
        Description = "A picture to begin from, or a small one that the model enlarges." };
    private readonly Option<double?> _strength = new("--strength") { HelpName = "X",
        Description =
        "How much of that picture is changed, above 0, up to 1; usually 0.6. Of a small one to enlarge, the noise "
            + "laid over it; usually 0." };
    private readonly Option<string?> _upscale =
        new("--upscale") { HelpName = "RUN", Description = "A second model that enlarges what is drawn." };
    private readonly Option<string?> _mask = new("--mask") { HelpName = "PICTURE",
        Description = "White where that picture is drawn anew, black where it is kept." };

    public void AddTo(Command command)
    {
        command.Add(_sampler);
        command.Add(_steps);
        command.Add(_guidance);
        command.Add(_from);
        command.Add(_strength);
        command.Add(_mask);
        command.Add(_upscale);
    }

    /// <summary>The model that enlarges what is drawn; null where none is named.</summary>
    public string? Upscaler(ParseResult parse) => parse.GetValue(_upscale);

    /// <summary>What was given; null where nothing was.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="ends">What to interpolate between; null does not interpolate.</param>
    public SamplingOptions? Read(ParseResult parse, string? ends)
    {
        SamplingOptions given = new()
        {
            Sampler = parse.GetValue(_sampler), Steps = parse.GetValue(_steps), Guidance = parse.GetValue(_guidance),
            From = Whole(parse.GetValue(_from)), Strength = parse.GetValue(_strength),
                Mask = Whole(parse.GetValue(_mask)), Interpolate = ends,
        };
        return given == new SamplingOptions() ? null : given;
    }

    /// <summary>A path that means the same from any folder, since drawn pictures keep it.</summary>
    private static string? Whole(string? path) => path is null ? null : Path.GetFullPath(path);
}
