using Atelier.Runs;

namespace Atelier.Tasks;

/// <summary>A family that can read and write a file format of other systems.</summary>
public interface IFileExchange
{
    /// <summary>The name of the format, such as "bif".</summary>
    string Format { get; }

    /// <summary>Returns whether a file has this format, by its name.</summary>
    bool Reads(string path);

    /// <summary>Converts a file to a bundle.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="folder">The folder to write the bundle to: a new folder, or that of an existing bundle.</param>
    /// <exception cref="AtelierException">The file is damaged, or the folder cannot be written.</exception>
    void Import(string path, string folder);

    /// <summary>Writes the model of a bundle as a file in this format.</summary>
    /// <param name="bundle">A bundle of this family.</param>
    /// <param name="path">The path of the file to write.</param>
    /// <exception cref="AtelierException">The bundle is damaged, or the file cannot be written.</exception>
    void Export(Bundle bundle, string path);
}
