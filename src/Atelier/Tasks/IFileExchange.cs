using Atelier.Runs;

namespace Atelier.Tasks;

/// <summary>A family whose models have a file of their own that other systems read and write.</summary>
public interface IFileExchange
{
    /// <summary>The format's name, as export's --to takes it: "bif".</summary>
    string Format { get; }

    /// <summary>Whether a file is of that format, by its name.</summary>
    bool Reads(string path);

    /// <summary>Makes a bundle of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="folder">The bundle's folder, new or a bundle's.</param>
    /// <exception cref="AtelierException">The file is damaged, or the place cannot be written.</exception>
    void Import(string path, string folder);

    /// <summary>Writes a bundle's model as such a file.</summary>
    /// <param name="bundle">The bundle, one of the family's.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="AtelierException">The bundle is damaged, or the place cannot be written.</exception>
    void Export(Bundle bundle, string path);
}
