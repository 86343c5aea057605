using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>The two orders in which files store the rows of the same weights.</summary>
public enum TensorLayout
{
    /// <summary>
    /// As transformers keeps them: GPT-2's products as [inputs, outputs], rotary pairs half a head apart.
    /// </summary>
    HuggingFace,

    /// <summary>As llama.cpp keeps them: every product as [outputs, inputs], rotary pairs side by side.</summary>
    Gguf,
}

/// <summary>One tensor of a model as it lies in a mapped file. Its rows can be read in either layout.</summary>
public sealed unsafe class ModelTensor
{
    private readonly byte* _data;
    private readonly TensorOrder _order;
    private readonly int _heads;

    /// <summary>Describes a tensor.</summary>
    /// <param name="name">Its name with Hugging Face.</param>
    /// <param name="type">The type of its elements.</param>
    /// <param name="shape">Its dimensions as the file has them, rows first.</param>
    /// <param name="data">Its bytes, mapped.</param>
    /// <param name="layout">The layout of the file.</param>
    /// <param name="order">How the layouts of this tensor differ.</param>
    /// <param name="heads">The heads that its rows belong to, where they are in pairs.</param>
    internal ModelTensor(string name, WeightType type, IReadOnlyList<long> shape, byte* data, TensorLayout layout,
        TensorOrder order, int heads)
    {
        (Name, Type, FileShape, Layout, _order, _heads) = (name, type, shape, layout, order, heads);
        _data = data;
    }

    /// <summary>Its name with Hugging Face.</summary>
    public string Name { get; }

    /// <summary>The type of its elements.</summary>
    public WeightType Type { get; }

    /// <summary>The layout of its file.</summary>
    public TensorLayout Layout { get; }

    /// <summary>Its dimensions as the file has them, rows first.</summary>
    public IReadOnlyList<long> FileShape { get; }

    /// <summary>Its elements.</summary>
    public long ElementCount => FileShape.Aggregate(1L, (product, dimension) => product * dimension);

    /// <summary>Whether it is a vector: a bias, or the weights of a norm.</summary>
    public bool IsVector => FileShape.Count < 2;

    /// <summary>Its dimensions in a layout, rows first.</summary>
    public IReadOnlyList<long> Shape(TensorLayout layout) => IsTurned(layout) ? [.. FileShape.Reverse()] : FileShape;

    /// <summary>Whether its rows in a layout are the file's, so that their bytes can be taken as they are.</summary>
    public bool HasRows(TensorLayout layout) => !IsTurned(layout);

    /// <summary>
    /// The bytes of a row of a layout as the file has them, not copied; the whole of a vector for row 0.
    /// </summary>
    /// <exception cref="InvalidOperationException">The file's rows are that layout's columns.</exception>
    public ReadOnlySpan<byte> Row(TensorLayout layout, long row)
    {
        if (!HasRows(layout))
            throw new InvalidOperationException($"the file stores {Name} transposed");
        return FileRow(IsVector ? row : Moved(layout, row));
    }

    /// <summary>Reads rows of a layout as single precision.</summary>
    /// <param name="layout">The layout wanted.</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Filled whole: a multiple of the row's length.</param>
    public void Read(TensorLayout layout, long first, Span<float> rows)
    {
        if (rows.IsEmpty)
            return;
        int width = FileShape.Count == 0 ? 1 : (int)Shape(layout)[^1], count = rows.Length / width;
        if (IsVector)
        {
            ReadVector(layout, rows);
        }
        else if (!IsTurned(layout))
        {
            for (int row = 0; row < count; row++)
                WeightConversion.Decode(Type, FileRow(Moved(layout, first + row)), rows.Slice(row * width, width));
        }
        else
        {
            // The file's rows are columns here: each is read once, and a part of it goes to each row.
            float[] column = new float[FileShape[^1]];
            for (int c = 0; c < width; c++)
            {
                WeightConversion.Decode(Type, FileRow(c), column);
                for (int row = 0; row < count; row++)
                    rows[row * width + c] = column[first + row];
            }
        }
    }

    /// <summary>The whole as single precision, row after row of a layout.</summary>
    public float[] Read(TensorLayout layout)
    {
        float[] values = new float[ElementCount];
        Read(layout, 0, values);
        return values;
    }

    /// <summary>Reads every element once, row by row of the file.</summary>
    /// <param name="where">The file, for errors.</param>
    /// <exception cref="AtelierException">One is not a number.</exception>
    internal void CheckNumbers(string where)
    {
        long width = FileShape.Count == 0 ? 1 : FileShape[^1];
        float[] values = new float[width];
        for (long row = 0; width > 0 && row < ElementCount / width; row++)
        {
            WeightConversion.Decode(Type, FileRow(row), values);
            if (values.AsSpan().ContainsAnyExceptInRange(-float.MaxValue, float.MaxValue))
                throw new AtelierException($"the tensor {Name} has a weight that is not a number",
                    where, "download the file again");
        }
    }

    /// <summary>
    /// The matrix as [outputs, inputs], rows in the order of the file: where it lies, or a copy where the file has it
    /// as [inputs, outputs].
    /// </summary>
    /// <param name="owner">What keeps the file mapped.</param>
    /// <exception cref="AtelierException">It is no matrix.</exception>
    public WeightMatrix ToMatrix(ModelWeights owner)
    {
        if (FileShape is not [> 0 and <= int.MaxValue and long rows, > 0 and <= int.MaxValue and long columns])
            throw new AtelierException($"the tensor {Name} is [{string.Join(", ", FileShape)}], but a matrix is "
                + "expected",
                owner.Path, "download or export the model again");
        return HasRows(TensorLayout.Gguf)
            ? new WeightMatrix(Name, Type, (int)rows, (int)columns, _data, owner)
            : WeightMatrix.From(Name, (int)columns, (int)rows, Read(TensorLayout.Gguf), Type);
    }

    private bool IsTurned(TensorLayout layout) => layout != Layout && _order == TensorOrder.Transposed;

    /// <summary>The file's row that is a row of the layout.</summary>
    private long Moved(TensorLayout layout, long row)
    {
        if (layout == Layout || _order is not (TensorOrder.QueryPairs or TensorOrder.KeyPairs))
            return row;
        long size = (IsVector ? FileShape[^1] : FileShape[0]) / _heads, within = row % size, head = row - within,
            half = size / 2;
        // Halves apart, row i turns with i + half; side by side, 2i with 2i + 1.
        return head + (layout == TensorLayout.HuggingFace
            ? within < half ? 2 * within : 2 * (within - half) + 1
            : within % 2 == 0 ? within / 2 : half + within / 2);
    }

    private void ReadVector(TensorLayout layout, Span<float> values)
    {
        float[] file = new float[values.Length];
        WeightConversion.Decode(Type, FileRow(0), file);
        for (int i = 0; i < values.Length; i++)
            values[i] = file[Moved(layout, i)];
    }

    private ReadOnlySpan<byte> FileRow(long row)
    {
        long width = FileShape.Count == 0 ? 1 : FileShape[^1];
        int bytes = checked((int)Type.RowBytes(width));
        return new(_data + row * bytes, bytes);
    }
}
