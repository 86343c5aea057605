using System.Security.Cryptography;
using System.Text;
using Atelier.Formats;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// Features of real images, cached in files named by the content of images and network, so that other images or
/// networks miss the cache. Each file holds a digest of its content; damaged ones are computed again.
/// </summary>
/// <param name="folder">The folder of the files; created when the first is written.</param>
internal sealed class FeatureCache(string folder)
{
    private const string DigestKey = "sha256", ValuesName = "values", LogitsName = "logProbabilities";

    /// <summary>Returns the cached features of a key; null if there are none, or they are damaged.</summary>
    public ImageFeatures? Find(string key, IProgress<string>? progress)
    {
        string path = PathOf(key);
        if (!File.Exists(path))
            return null;
        IReadOnlyDictionary<string, Tensor> tensors = new Dictionary<string, Tensor>();
        try
        {
            tensors = TensorFiles.Read(path);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            if (!tensors.TryGetValue(ValuesName, out Tensor? values)
                || file.Metadata.GetValueOrDefault(DigestKey) != Digest(tensors))
                throw new AtelierException("is damaged", path);
            return new ImageFeatures(values.to(ScalarType.Float64), tensors.GetValueOrDefault(LogitsName)?.clone());
        }
        catch (AtelierException e)
        {
            progress?.Report($"the stored features cannot be used and are computed again: {e.ToLine()}");
            return null;
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    /// <summary>Caches features.</summary>
    /// <exception cref="AtelierException">The file or folder cannot be written.</exception>
    public void Keep(string key, ImageFeatures features)
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(folder);
        // networks compute in fp32, so nothing is lost
        var tensors = new Dictionary<string, Tensor> { [ValuesName] = features.Values.to(ScalarType.Float32) };
        if (features.LogProbabilities is { } logProbabilities)
            tensors[LogitsName] = logProbabilities;
        TensorFiles.Write(PathOf(key), tensors, new Dictionary<string, string> { [DigestKey] = Digest(tensors) });
    }

    private string PathOf(string key) =>
        Path.Combine(folder,
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32] + ".safetensors");

    private static string Digest(IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, Tensor tensor) in tensors.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            using Tensor whole = tensor.contiguous();
            hash.AppendData(whole.bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
