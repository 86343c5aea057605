using System.Runtime.InteropServices;

namespace Atelier.Formats;

/// <summary>The sizes of a Llama in llama2.c's first binary format.</summary>
/// <param name="HiddenSize">The width of the residual stream.</param>
/// <param name="FeedForwardSize">The width of the feed-forward layers.</param>
/// <param name="LayerCount">Layers.</param>
/// <param name="HeadCount">Query heads.</param>
/// <param name="KeyValueHeadCount">Key and value heads.</param>
/// <param name="VocabularySize">Token ids.</param>
/// <param name="ContextLength">The most tokens it conditions on.</param>
/// <param name="TieHead">Whether the head is the embedding.</param>
public sealed record Llama2CSizes(
    int HiddenSize, int FeedForwardSize, int LayerCount, int HeadCount, int KeyValueHeadCount, int VocabularySize, int ContextLength, bool TieHead)
{
    /// <summary>The width of a head.</summary>
    public int HeadSize => HiddenSize / HeadCount;
}

/// <summary>
/// A model in llama2.c's first binary format: seven 32-bit sizes, then fp32 weights kind by kind. Gives the weights under
/// Hugging Face's names for Llama, rows of queries and keys in its order.
/// </summary>
public sealed class Llama2CFile
{
    private const int HeaderBytes = 7 * sizeof(int);
    private readonly string _path;
    private readonly Dictionary<string, Part> _parts = [];

    private Llama2CFile(string path, Llama2CSizes sizes)
    {
        _path = path;
        Sizes = sizes;
        // Before the layout: a damaged count of layers would fill the memory with names.
        Int128 length = LengthFor(sizes);
        long actual = new FileInfo(path).Length;
        if (length != actual)
            throw new AtelierException($"its sizes ask for {length} bytes, the file has {actual}", path, "the file is damaged or of another kind: take it from its source again");
        Tensors = Lay();
    }

    /// <summary>The sizes.</summary>
    public Llama2CSizes Sizes { get; }

    /// <summary>The tensors under Hugging Face's names, all fp32.</summary>
    public IReadOnlyList<SafetensorsEntry> Tensors { get; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="AtelierException">It is missing, its sizes are impossible, or its length is not what they ask for.</exception>
    public static Llama2CFile Open(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("no such file", path);
        try
        {
            using FileStream stream = File.OpenRead(path);
            byte[] header = new byte[HeaderBytes];
            if (stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
                throw new AtelierException($"it has {stream.Length} bytes, too few for a model of llama2.c", path);
            ReadOnlySpan<int> sizes = MemoryMarshal.Cast<byte, int>(header);
            // A positive vocabulary says that the head is the embedding.
            bool possible = sizes[..5].IndexOfAnyExceptInRange(1, 1 << 24) < 0 && sizes[5] is not (0 or int.MinValue) && sizes[6] > 0
                && sizes[0] % sizes[3] == 0 && sizes[3] % sizes[4] == 0 && sizes[0] / sizes[3] % 2 == 0;
            if (!possible)
                throw new AtelierException($"its sizes ({string.Join(", ", sizes.ToArray())}) are those of no model", path, "the file is damaged or of another kind");
            return new Llama2CFile(path, new(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], Math.Abs(sizes[5]), sizes[6], sizes[5] > 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path, inner: e);
        }
    }

    /// <summary>Reads one tensor.</summary>
    /// <exception cref="AtelierException">There is none of that name.</exception>
    public float[] Read(string name)
    {
        if (!_parts.TryGetValue(name, out Part? part))
            throw new AtelierException($"there is no tensor '{name}'", _path);
        float[] values = new float[part.Rows * part.Columns];
        using FileStream stream = File.OpenRead(_path);
        stream.Position = part.Offset;
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return part.Heads == 0 ? values : HalfSplit(values, part);
    }

    /// <summary>
    /// llama2.c rotates neighbours (0, 1), (2, 3) …, Hugging Face rotates halves (0, n/2), (1, n/2 + 1) …: within each
    /// head the even rows go first, then the odd ones.
    /// </summary>
    private static float[] HalfSplit(float[] values, Part part)
    {
        float[] result = new float[values.Length];
        int size = (int)(part.Rows / part.Heads), columns = (int)part.Columns;
        for (int row = 0; row < part.Rows; row++)
        {
            int head = row / size, within = row % size;
            int from = head * size + (within < size / 2 ? 2 * within : 2 * (within - size / 2) + 1);
            values.AsSpan(from * columns, columns).CopyTo(result.AsSpan(row * columns, columns));
        }
        return result;
    }

    /// <summary>The bytes of a whole file; sizes that pass the check of the header keep this far below 128 bits.</summary>
    private static Int128 LengthFor(Llama2CSizes sizes)
    {
        Int128 hidden = sizes.HiddenSize, keyValue = hidden / sizes.HeadCount * sizes.KeyValueHeadCount;
        Int128 layer = 2 * hidden + 2 * hidden * hidden + 2 * hidden * keyValue + 3 * hidden * sizes.FeedForwardSize;
        Int128 embeddings = hidden * sizes.VocabularySize * (sizes.TieHead ? 1 : 2);
        Int128 tables = (Int128)sizes.ContextLength * sizes.HeadSize;
        return HeaderBytes + sizeof(float) * (embeddings + layer * sizes.LayerCount + hidden + tables);
    }

    private List<SafetensorsEntry> Lay()
    {
        var entries = new List<SafetensorsEntry>();
        long offset = HeaderBytes, hidden = Sizes.HiddenSize, feedForward = Sizes.FeedForwardSize;
        long keyValue = (long)Sizes.KeyValueHeadCount * Sizes.HeadSize;

        void Add(string name, long rows, long columns, int heads = 0)
        {
            _parts.Add(name, new Part(offset, rows, columns, heads));
            entries.Add(new SafetensorsEntry(name, SafetensorsType.F32, rows == 1 && name.Contains("norm", StringComparison.Ordinal) ? [columns] : [rows, columns]));
            offset += rows * columns * sizeof(float);
        }

        void AddEach(string name, long rows, long columns, int heads = 0)
        {
            for (int layer = 0; layer < Sizes.LayerCount; layer++)
                Add($"model.layers.{layer}.{name}.weight", rows, columns, heads);
        }

        Add("model.embed_tokens.weight", Sizes.VocabularySize, hidden);
        AddEach("input_layernorm", 1, hidden);
        AddEach("self_attn.q_proj", hidden, hidden, Sizes.HeadCount);
        AddEach("self_attn.k_proj", keyValue, hidden, Sizes.KeyValueHeadCount);
        AddEach("self_attn.v_proj", keyValue, hidden);
        AddEach("self_attn.o_proj", hidden, hidden);
        AddEach("post_attention_layernorm", 1, hidden);
        AddEach("mlp.gate_proj", feedForward, hidden);
        AddEach("mlp.down_proj", hidden, feedForward);
        AddEach("mlp.up_proj", feedForward, hidden);
        Add("model.norm.weight", 1, hidden);
        offset += (long)Sizes.ContextLength * Sizes.HeadSize * sizeof(float); // tables of sines and cosines, computed anew
        if (!Sizes.TieHead)
            Add("lm_head.weight", Sizes.VocabularySize, hidden);
        return entries;
    }

    private sealed record Part(long Offset, long Rows, long Columns, int Heads);
}
