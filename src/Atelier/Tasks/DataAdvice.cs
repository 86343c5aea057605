using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tensors;

namespace Atelier.Tasks;

/// <summary>Suggested settings for a user's own data.</summary>
/// <param name="Overrides">Changes to the default recipe.</param>
/// <param name="Amount">The amount of data that the settings were chosen for: "2.3 MB of text".</param>
public sealed record DataAdvice(IReadOnlyList<string> Overrides, string Amount)
{
    /// <summary>Suggested settings for data whose families need no particular shape.</summary>
    /// <param name="task">The task.</param>
    /// <param name="path">A file or a folder.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="what">The name of the data in the amount: "text".</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no such file or folder.</exception>
    internal static DataAdvice ForFile(ITask task, string path, string family, string what,
        CancellationToken cancellation)
    {
        long bytes = Bytes(path, Mention.Field(task.Name), cancellation);
        return new([.. Source(path), $"data.kind={task.Name}", $"model.family={family}"], $"{Size(bytes)} of {what}");
    }

    /// <summary>The bytes of a file, or of all files of a folder.</summary>
    internal static long Bytes(string path, string field, CancellationToken cancellation) => Directory.Exists(path)
        ? SourceFolder.Files(path, cancellation).StoppedBy(cancellation).Sum(file => new FileInfo(file).Length)
        : File.Exists(path) ? new FileInfo(path).Length
        : throw new AtelierException("there is no such file or folder", path,
            $"check the path given with {field}");

    /// <summary>The changes that set the source and the run's name.</summary>
    internal static IEnumerable<string> Source(string path) =>
    [
        $"data.source={RecipeWriter.Quote(Path.GetFullPath(path))}",
        $"name={RecipeWriter.Quote(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path)))}",
    ];

    /// <summary>Formats a number of bytes.</summary>
    internal static string Size(long bytes) => bytes switch
    {
        < 1_000 => Quantity.Of(bytes, "byte"),
        < 1_000_000 => FormattableString.Invariant($"{bytes / 1e3:0.#} kB"),
        _ => FormattableString.Invariant($"{bytes / 1e6:0.#} MB"),
    };
}
