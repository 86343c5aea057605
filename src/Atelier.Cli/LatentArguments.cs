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
    /// <summary>The most pictures that are taken from a folder.</summary>
    public const int MostPictures = 64;

    private readonly Option<string?> _reconstruct = new("--reconstruct") { HelpName = "PATH",
        Description = "A picture or a folder of them: each beside what the model makes of it." };
    private readonly Option<string?> _interpolate = new("--interpolate") { HelpName = "FOLDER|SEEDS",
        Description =
        "A folder of pictures, or seeds as 1,5,9 where pictures are drawn from noise: the ways from each to the "
            + "next, a row each of --count pictures (11), or a GIF." };
    private readonly Option<string?> _traverse = new("--traverse") { HelpName = "PICTURE",
        Description = "A picture: each of its latent numbers from -3 to 3, a row each." };

    public void AddTo(Command command)
    {
        command.Add(_reconstruct);
        command.Add(_interpolate);
        command.Add(_traverse);
    }

    /// <summary>The ends that pictures are to lie between; null where none are named.</summary>
    /// <exception cref="AtelierException">They are no seeds, and there is no such folder.</exception>
    public InterpolationEnds? Ends(ParseResult parse)
    {
        if (parse.GetValue(_interpolate) is not { } ends)
            return null;
        if (InterpolationEnds.ParseSeeds(ends) is { } seeds)
            return seeds;
        IReadOnlyList<InputImage> images =
            Path.Exists(ends) ? ImageFiles.LoadAll(Path.GetFullPath(ends), MostPictures) : [];
        return images.Count > 1 ? new InterpolationEnds(images)
            : throw new AtelierException(Path.Exists(ends) ? $"there are not two pictures in '{ends}'"
                : $"'{ends}' is no folder that is there, nor two or more seeds", "--interpolate",
                "give a folder with two or more pictures, or seeds: --interpolate 1,2");
    }

    /// <summary>Writes the grid that is asked for.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="label">The class of all pictures; null lets the model tell each one's.</param>
    /// <param name="count">The pictures of each way between two; 1 takes the usual number.</param>
    /// <param name="file">Where to; null takes a name of its own.</param>
    /// <returns>The file; null where nothing of the kind is asked for, or the model has no latents to go
    /// between.</returns>
    /// <exception cref="AtelierException">More than one is asked for, the model has no latents, or there is no
    /// picture.</exception>
    public string? Write(ParseResult parse, ITrainedModel model, string? label, int count, string? file)
    {
        (string Name, string? Path)[] asked = [("reconstruct", parse.GetValue(_reconstruct)),
            ("interpolate", parse.GetValue(_interpolate)), ("traverse", parse.GetValue(_traverse))];
        (string Name, string? Path)[] given = [.. asked.Where(a => a.Path is not null)];
        if (given.Length == 0)
            return null;
        if (given.Length > 1)
            throw new AtelierException($"--{given[0].Name} and --{given[1].Name} are asked for at once",
                "atelier generate", "ask for one at a time");
        ImageGenerator images = model.As<ImageGenerator>()
            ?? throw new AtelierException("the model makes no pictures", $"--{given[0].Name}", "leave it out");
        if (given[0].Name == "interpolate" && images.Model is not IAutoencoder)
            return null; // it goes between noises: such pictures are drawn
        int steps = count == 1 ? Interpolation.UsualSteps : count;
        var latents = new LatentImages(images.Model);
        int? told = label is null ? null : images.Schema.Label(label);
        IReadOnlyList<byte[]> pictures = ImageFiles.ReadAll(given[0].Path!, images.Schema, MostPictures);
        (IReadOnlyList<byte[]> grid, int columns) = given[0].Name switch
        {
            "reconstruct" => (Beside(pictures, latents.Reconstruct(pictures, told)), 2 * Math.Min(8, pictures.Count)),
            "interpolate" => (latents.Interpolate(pictures, steps, told), steps),
            _ => (latents.Traverse(pictures[0], Interpolation.UsualSteps, told), Interpolation.UsualSteps),
        };
        file ??= $"{given[0].Name}.png";
        ImageGrid.Write(file, images.Schema, [.. grid.Select(p => (ReadOnlyMemory<byte>)images.Schema.Interleave(p))],
            new Dictionary<string, string> { ["Software"] = "Atelier", ["Shown"] = given[0].Name }, columns);
        return file;
    }

    /// <summary>Each picture with its twin to the right of it.</summary>
    private static List<byte[]> Beside(IReadOnlyList<byte[]> pictures, IReadOnlyList<byte[]> twins) =>
        [.. pictures.Zip(twins).SelectMany(pair => (byte[][])[pair.First, pair.Second])];
}
