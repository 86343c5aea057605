using Atelier.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>Reads and writes named tensors in safetensors files.</summary>
public static class TensorFiles
{
    private const int PieceElements = 1 << 26; // spans cannot cover tensors of 2 GiB or more

    private static readonly (SafetensorsType File, ScalarType Memory)[] Types =
    [
        (SafetensorsType.Bool, ScalarType.Bool), (SafetensorsType.U8, ScalarType.Byte),
        (SafetensorsType.I8, ScalarType.Int8), (SafetensorsType.I16, ScalarType.Int16),
        (SafetensorsType.F16, ScalarType.Float16), (SafetensorsType.BF16, ScalarType.BFloat16),
        (SafetensorsType.I32, ScalarType.Int32), (SafetensorsType.F32, ScalarType.Float32),
        (SafetensorsType.F64, ScalarType.Float64), (SafetensorsType.I64, ScalarType.Int64),
    ];

    /// <summary>
    /// Writes tensors from any device to a file. The file is written completely or not at all. Tensors are ordered by
    /// name, so that the same tensors give the same file.
    /// </summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="tensors">The tensors by name, of any type but complex ones.</param>
    /// <param name="metadata">Text by name, stored in the file's header.</param>
    /// <exception cref="AtelierException">The file cannot be written, or the disk is full.</exception>
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
    /// Reads all tensors of a file to the CPU. The caller must dispose them; they belong to no dispose scope.
    /// </summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="cancellation">Cancels the operation before the next tensor.</param>
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

    /// <summary>Splits a contiguous tensor into flat views of at most <see cref="PieceElements"/> elements.</summary>
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
