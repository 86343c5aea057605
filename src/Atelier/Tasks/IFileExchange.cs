using Atelier.Runs;

namespace Atelier.Tasks;

/// <summary>A family with a file format of its own that other systems read and write.</summary>
public interface IFileExchange
{
    /// <summary>The name of the format: "bif".</summary>
    string Format { get; }

    /// <summary>Whether a file has that format, by its name.</summary>
    bool Reads(string path);

    /// <summary>Converts a file into a bundle.</summary>
    /// <param name="path">The file.</param>
    /// <param name="folder">The bundle's folder, new or a bundle's.</param>
    /// <exception cref="AtelierException">The file is damaged, or the folder cannot be written.</exception>
    void Import(string path, string folder);

    /// <summary>Exports a bundle's model as such a file.</summary>
    /// <param name="bundle">The bundle, one of the family's.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="AtelierException">The bundle is damaged, or the file cannot be written.</exception>
    void Export(Bundle bundle, string path);
}
