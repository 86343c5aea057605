using System.Security.Cryptography;

namespace Atelier.Runs;

/// <summary>Which model a bundle is: written into the files that it makes, so that they can be made again.</summary>
/// <param name="RunId">The id of the run that it came from, as atelier runs list shows it; null where no run is
/// known.</param>
/// <param name="Weights">The SHA-256 of its weights, in lower-case hexadecimal digits.</param>
/// <param name="Recipe">The run's resolved recipe; null where no run is known.</param>
public sealed record BundleIdentity(string? RunId, string Weights, string? Recipe)
{
    /// <summary>The identity of a bundle.</summary>
    /// <exception cref="AtelierException">Its files cannot be read.</exception>
    public static BundleIdentity Of(Bundle bundle)
    {
        string run = Path.GetDirectoryName(bundle.Folder) ?? bundle.Folder;
        try
        {
            using FileStream weights = File.OpenRead(bundle.WeightsPath);
            string hash = Convert.ToHexStringLower(SHA256.HashData(weights));
            return Run.Exists(run)
                ? new(bundle.History?.Find(run)?.Id, hash, File.ReadAllText(Run.RecipePath(run)))
                : new(null, hash, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), bundle.Folder,
                "check that it may be read", e);
        }
    }
}
