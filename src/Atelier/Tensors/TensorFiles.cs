using Atelier.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>Tensors by name in safetensors files.</summary>
public static class TensorFiles
{
    private const int PieceElements = 1 << 26; // a span over a whole tensor could not hold 2 GiB

    private static readonly (SafetensorsType File, ScalarType Memory)[] Types =
    [
        (SafetensorsType.Bool, ScalarType.Bool), (SafetensorsType.U8, ScalarType.Byte),
        (SafetensorsType.I8, ScalarType.Int8), (SafetensorsType.I16, ScalarType.Int16),
        (SafetensorsType.F16, ScalarType.Float16), (SafetensorsType.BF16, ScalarType.BFloat16),
        (SafetensorsType.I32, ScalarType.Int32), (SafetensorsType.F32, ScalarType.Float32),
        (SafetensorsType.F64, ScalarType.Float64), (SafetensorsType.I64, ScalarType.Int64),
    ];

    /// <summary>
    /// Writes tensors, from whatever device they are on, whole or not at all; ordered by name, so that the same tensors
    /// make the same file.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The tensors by name, of any type but complex ones.</param>
    /// <param name="metadata">Free text by name.</param>
    /// <exception cref="AtelierException">The place cannot be written or the disk is full.</exception>
    public static void Write(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        List<SafetensorsEntry> entries = [.. tensors
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => new SafetensorsEntry(pair.Key, FileType(pair.Key, pair.Value.dtype), pair.Value.shape))];
        SafetensorsWriter.Write(path, entries, (entry, stream) =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad();
            foreach (Tensor piece in Pieces(tensors[entry.Name].cpu().contiguous()))
                stream.Write(piece.bytes);
        }, metadata);
    }

    /// <summary>
    /// Reads every tensor of a file onto the CPU. The caller owns them; they belong to no dispose scope.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Cancels loading between tensors.</param>
    /// <exception cref="AtelierException">The file is missing, damaged, or holds a type that the tensor library
    /// lacks.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(string path, CancellationToken cancellation = default)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        var tensors = new Dictionary<string, Tensor>();
        try
        {
            foreach (SafetensorsEntry entry in file.Entries)
            {
                cancellation.ThrowIfCancellationRequested();
                Tensor tensor = empty([.. entry.Shape], MemoryType(path, entry), CPU).DetachFromDisposeScope();
                tensors.Add(entry.Name, tensor);
                using var scope = NewDisposeScope();
                long at = 0;
                foreach (Tensor piece in Pieces(tensor))
                {
                    Span<byte> bytes = piece.bytes;
                    file.CopyTo(entry.Name, at, bytes);
                    at += bytes.Length;
                }
            }
            return tensors;
        }
        catch
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }

    /// <summary>Views of a contiguous tensor, one part after another.</summary>
    private static IEnumerable<Tensor> Pieces(Tensor tensor)
    {
        Tensor flat = tensor.view(-1);
        for (long at = 0; at < flat.numel(); at += PieceElements)
            yield return flat.narrow(0, at, Math.Min(PieceElements, flat.numel() - at));
    }

    private static SafetensorsType FileType(string name, ScalarType type)
    {
        foreach ((SafetensorsType file, ScalarType memory) in Types)
        {
            if (memory == type)
                return file;
        }
        throw new ArgumentException($"tensor '{name}' has the type {type}, which safetensors files lack");
    }

    private static ScalarType MemoryType(string path, SafetensorsEntry entry)
    {
        foreach ((SafetensorsType file, ScalarType memory) in Types)
        {
            if (file == entry.Type)
                return memory;
        }
        throw new AtelierException($"tensor '{entry.Name}' has the type {entry.Type}, which is not supported here",
            path);
    }
}
