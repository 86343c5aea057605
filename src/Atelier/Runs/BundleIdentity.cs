using System.Security.Cryptography;
using Atelier.Formats;

namespace Atelier.Runs;

/// <summary>
/// Identifies the model of a bundle. It is written into generated files, so that they can be reproduced.
/// </summary>
/// <param name="RunId">The id of its run, as `atelier runs list` shows it; null if unknown.</param>
/// <param name="Weights">The SHA-256 of its weights, in lower-case hexadecimal digits; of all files together if there
/// are several.</param>
/// <param name="Recipe">The resolved recipe of its run; null if unknown.</param>
public sealed record BundleIdentity(string? RunId, string Weights, string? Recipe)
{
    /// <summary>Computes the identity of a bundle.</summary>
    /// <exception cref="AtelierException">The files of the bundle cannot be read.</exception>
    public static BundleIdentity Of(Bundle bundle)
    {
        string run = Path.GetDirectoryName(bundle.Folder) ?? bundle.Folder;
        try
        {
            using var hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[1 << 20];
            foreach (string file in bundle.IsGguf ? [bundle.GgufPath] : SafetensorsFolder.Files(bundle.Folder))
            {
                using FileStream weights = File.OpenRead(file);
                for (int read; (read = weights.Read(buffer)) > 0;)
                    hasher.AppendData(buffer, 0, read);
            }
            string hash = Convert.ToHexStringLower(hasher.GetHashAndReset());
            return Run.Exists(run)
                ? new(bundle.History?.Find(run)?.Id, hash, File.ReadAllText(Run.RecipePath(run)))
                : new(null, hash, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), bundle.Folder,
                "check its permissions", e);
        }
    }
}
