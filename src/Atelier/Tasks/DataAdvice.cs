using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tensors;

namespace Atelier.Tasks;

/// <summary>Suggested settings for a user's own data.</summary>
/// <param name="Overrides">Changes to the default recipe, such as "training.steps=500".</param>
/// <param name="Amount">The amount of data that the settings were chosen for, such as "2.3 MB of text".</param>
public sealed record DataAdvice(IReadOnlyList<string> Overrides, string Amount)
{
    /// <summary>Suggests settings for a task whose settings do not depend on the amount of data.</summary>
    /// <param name="task">The task.</param>
    /// <param name="path">The path of a file or folder.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="what">The word for the data in the amount, such as "text".</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no such file or folder.</exception>
    internal static DataAdvice ForFile(ITask task, string path, string family, string what,
        CancellationToken cancellation)
    {
        long bytes = Bytes(path, Mention.Field(task.Name), cancellation);
        return new([.. Source(path), $"data.kind={task.Name}", $"model.family={family}"], $"{Size(bytes)} of {what}");
    }

    /// <summary>Returns the size of a file, or of all files in a folder, in bytes.</summary>
    internal static long Bytes(string path, string field, CancellationToken cancellation)
    {
        static long Length(string file) => new FileInfo(file).Length;
        if (NamedSource.Find(path) is { } named)
            return named.Bytes(cancellation);
        if (Directory.Exists(path))
            return SourceFolder.Files(path, cancellation).StoppedBy(cancellation).Sum(Length);
        return File.Exists(path) ? Length(path)
            : throw new AtelierException("there is no such file or folder", path,
                $"check the path given with {field}");
    }

    /// <summary>Returns the changes that set the data source and the name of the run.</summary>
    internal static IEnumerable<string> Source(string path) =>
    [
        $"data.source={RecipeWriter.Quote(NamedSource.Find(path) is null ? Path.GetFullPath(path) : path)}",
        $"name={RecipeWriter.Quote(NameOf(path))}",
    ];

    /// <summary>Returns the name of a run on a source.</summary>
    internal static string NameOf(string path) => NamedSource.Find(path)?.ShortName
        ?? Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path));

    /// <summary>Returns the optimizer and the learning rate of a family that the usual one does not suit.</summary>
    internal static IReadOnlyList<string> Optimizer(IModelFamily family) => family.Name switch
    {
        // the embeddings of T5 begin with a standard deviation of 1, so that Adam moves them far too slowly
        "t5" => ["training.optimizer.name=adafactor", "training.optimizer.learningRate=0.03"],
        _ => [],
    };

    /// <summary>Formats a number of bytes.</summary>
    internal static string Size(long bytes) => bytes switch
    {
        < 1_000 => Quantity.Of(bytes, "byte"),
        < 1_000_000 => FormattableString.Invariant($"{bytes / 1e3:0.#} kB"),
        _ => FormattableString.Invariant($"{bytes / 1e6:0.#} MB"),
    };
}
