using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>
/// Converts the weights of a folder that older versions of Hugging Face's tools saved: pytorch_model.bin, or shards
/// with an index.
/// </summary>
public static class PyTorchFolder
{
    private const string FileName = "pytorch_model.bin", IndexName = FileName + ".index.json";

    /// <summary>Returns whether the only weights of a folder are in PyTorch's format.</summary>
    /// <param name="folder">The folder.</param>
    public static bool Has(string folder) =>
        (File.Exists(Path.Combine(folder, FileName)) || File.Exists(Path.Combine(folder, IndexName)))
        && !((string[])[SafetensorsFolder.FileName, SafetensorsFolder.IndexName, ModelWeights.GgufName])
            .Any(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>
    /// Writes the weights as one safetensors file, with the names and the types that they have; numbers in double
    /// precision become single. No code of the files runs.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="cancellation">Cancels before the next tensor; an existing file stays.</param>
    /// <exception cref="AtelierException">A file is missing, damaged, or contains more than tensors; a tensor has an
    /// unsupported type or appears twice.</exception>
    public static void Convert(string folder, string path, CancellationToken cancellation = default)
    {
        string whole = Path.Combine(folder, FileName);
        IReadOnlyList<string> shards = File.Exists(whole) ? [whole]
            : SafetensorsFolder.Shards(Path.Combine(folder, IndexName));
        // Each shard is opened twice, for its names and for its numbers, so that one is in memory at a time.
        var sources = new Dictionary<string, string>();
        var entries = new List<SafetensorsEntry>();
        foreach (string shard in shards)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (SafetensorsEntry entry in PyTorchFile.Open(shard).Entries
                .Where(entry => !ModelWeights.IsBuffer(entry.Name)))
            {
                if (!sources.TryAdd(entry.Name, shard))
                    throw new AtelierException($"the tensor {entry.Name} appears twice", shard,
                        "download the model again");
                entries.Add(entry with { Type = TypeOf(shard, entry) });
            }
        }
        PyTorchFile? open = null;
        SafetensorsWriter.Write(path, entries, (entry, stream) =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (open?.Path != sources[entry.Name])
                open = PyTorchFile.Open(sources[entry.Name]);
            float[] values = open.Read(entry.Name);
            byte[] bytes = new byte[entry.ByteCount];
            WeightConversion.Encode(ModelWeights.TypeOf(open.Path, entry), values, bytes);
            stream.Write(bytes);
        });
    }

    private static SafetensorsType TypeOf(string shard, SafetensorsEntry entry)
    {
        if (entry.Type == SafetensorsType.F64)
            return SafetensorsType.F32;
        ModelWeights.TypeOf(shard, entry); // refuses whole numbers
        return entry.Type;
    }
}
