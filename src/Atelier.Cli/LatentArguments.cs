using System.CommandLine;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Tasks.Images;

namespace Atelier.Cli;

/// <summary>
/// The options that show a model's latents: reconstructions, interpolations, and the effect of each latent dimension.
/// </summary>
internal sealed class LatentArguments
{
    /// <summary>The maximum number of images to read from a folder.</summary>
    public const int MostPictures = 64;

    private readonly Option<string?> _reconstruct = new("--reconstruct") { HelpName = "PATH",
        Description = "An image or a folder of images: each next to its reconstruction by the model." };
    private readonly Option<string?> _interpolate = new("--interpolate") { HelpName = "FOLDER|SEEDS",
        Description =
        "A folder of images, or seeds such as 1,5,9 for models that sample from noise: interpolates from each to "
            + "the next, in a row of --count images each (11 by default), or as a GIF." };
    private readonly Option<string?> _traverse = new("--traverse") { HelpName = "IMAGE",
        Description = "An image: varies each of its latent dimensions from -3 to 3, one row per dimension." };

    public void AddTo(Command command)
    {
        command.Add(_reconstruct);
        command.Add(_interpolate);
        command.Add(_traverse);
    }

    /// <summary>Returns the end points of an interpolation, or null.</summary>
    /// <exception cref="AtelierException">They are neither seeds nor a folder with two images.</exception>
    public InterpolationEnds? Ends(ParseResult parse)
    {
        if (parse.GetValue(_interpolate) is not { } ends)
            return null;
        if (InterpolationEnds.ParseSeeds(ends) is { } seeds)
            return seeds;
        IReadOnlyList<InputImage> images =
            Path.Exists(ends) ? ImageFiles.LoadAll(Path.GetFullPath(ends), MostPictures) : [];
        return images.Count > 1 ? new InterpolationEnds(images)
            : throw new AtelierException(Path.Exists(ends) ? $"'{ends}' holds fewer than two images"
                : $"'{ends}' is neither an existing folder nor a list of seeds", "--interpolate",
                "give a folder with two or more images, or seeds: --interpolate 1,2");
    }

    /// <summary>Writes a grid of reconstructions, interpolations or traversals, if one was requested.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="className">The class of all images; null lets the model recognise each.</param>
    /// <param name="count">The number of images between two end points; 1 uses the default.</param>
    /// <param name="file">The file to write; null uses a default name.</param>
    /// <returns>The file, or null if no grid was requested or the model interpolates between seeds.</returns>
    /// <exception cref="AtelierException">Two grids were requested, the model has no latents, or there is no
    /// image.</exception>
    public string? Write(ParseResult parse, ITrainedModel model, string? className, int count, string? file)
    {
        (string Name, string? Path)[] asked = [("reconstruct", parse.GetValue(_reconstruct)),
            ("interpolate", parse.GetValue(_interpolate)), ("traverse", parse.GetValue(_traverse))];
        (string Name, string? Path)[] given = [.. asked.Where(a => a.Path is not null)];
        if (given.Length == 0)
            return null;
        if (given.Length > 1)
            throw new AtelierException($"--{given[0].Name} and --{given[1].Name} cannot be combined",
                "atelier generate", "use one at a time");
        ImageGenerator images = model.As<ImageGenerator>()
            ?? throw new AtelierException("the model does not generate images", $"--{given[0].Name}", "leave it out");
        if (given[0].Name == "interpolate" && images.Model is not IAutoencoder)
            return null; // such a model interpolates between seeds while it samples
        int steps = count == 1 ? Interpolation.UsualSteps : count;
        var latents = new LatentImages(images.Model);
        int? label = className is null ? null : images.Schema.Label(className);
        IReadOnlyList<byte[]> pictures = ImageFiles.ReadAll(given[0].Path!, images.Schema, MostPictures);
        (IReadOnlyList<byte[]> grid, int columns) = given[0].Name switch
        {
            "reconstruct" => (Pairs(pictures, latents.Reconstruct(pictures, label)), 2 * Math.Min(8, pictures.Count)),
            "interpolate" => (latents.Interpolate(pictures, steps, label), steps),
            _ => (latents.Traverse(pictures[0], Interpolation.UsualSteps, label), Interpolation.UsualSteps),
        };
        file ??= $"{given[0].Name}.png";
        ImageGrid.Write(file, images.Schema, [.. grid.Select(p => (ReadOnlyMemory<byte>)images.Schema.Interleave(p))],
            new Dictionary<string, string> { ["Software"] = "Atelier", ["Shown"] = given[0].Name }, columns);
        return file;
    }

    /// <summary>Places each reconstruction to the right of its image.</summary>
    private static List<byte[]> Pairs(IReadOnlyList<byte[]> images, IReadOnlyList<byte[]> reconstructed) =>
        [.. images.Zip(reconstructed).SelectMany(pair => (byte[][])[pair.First, pair.Second])];
}
