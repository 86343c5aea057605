using System.CommandLine;
using Atelier.Abstractions;
using Atelier.Data.Images;

namespace Atelier.Cli;

/// <summary>The options of image sampling.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<string?> _sampler = new("--sampler") { HelpName = "NAME",
        Description = "The sampler of a diffusion model: ancestral, ddim, euler, heun or dpm; of a masked language "
            + "model: confidence, mask-predict or gibbs." };
    private readonly Option<int?> _steps =
        new("--steps") { HelpName = "N",
        Description = "The number of sampling steps, such as those from noise to image." };
    private readonly Option<double?> _guidance =
        new("--guidance") { HelpName = "X",
        Description = "The guidance scale: 1 samples as trained, higher values follow the class more closely." };
    private readonly Option<string?> _from = new("--from") { HelpName = "IMAGE",
        Description = "The image to start from, or a small image for the model to enlarge." };
    private readonly Option<double?> _strength = new("--strength") { HelpName = "X",
        Description =
        "How much of that image to change, above 0 and at most 1; usually 0.6. For a small image to enlarge, the "
            + "amount of noise added to it; usually 0." };
    private readonly Option<string?> _upscale =
        new("--upscale") { HelpName = "RUN", Description = "A second model that enlarges the generated images." };
    private readonly Option<string?> _mask = new("--mask") { HelpName = "IMAGE",
        Description = "A mask: white areas are generated again, black areas are kept." };

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

    /// <summary>Returns the model that enlarges the generated images, or null.</summary>
    public string? Upscaler(ParseResult parse) => parse.GetValue(_upscale);

    /// <summary>Returns the options that were given, or null if there were none.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="ends">The end points of an interpolation, or null.</param>
    public SamplingOptions? Read(ParseResult parse, InterpolationEnds? ends)
    {
        SamplingOptions given = new()
        {
            Sampler = parse.GetValue(_sampler), Steps = parse.GetValue(_steps), Guidance = parse.GetValue(_guidance),
            From = Loaded(parse.GetValue(_from)), Strength = parse.GetValue(_strength),
                Mask = Loaded(parse.GetValue(_mask)), Interpolate = ends,
        };
        return given == new SamplingOptions() ? null : given;
    }

    /// <summary>Loads an image by its absolute path, because generated images record that path.</summary>
    private static InputImage? Loaded(string? path) => path is null ? null : ImageFiles.Load(Path.GetFullPath(path));
}
