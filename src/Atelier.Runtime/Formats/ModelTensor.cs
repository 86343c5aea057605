using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>The two orders in which files store the rows of the same weights.</summary>
public enum TensorLayout
{
    /// <summary>
    /// The layout of the transformers library: GPT-2's linear layers as [inputs, outputs], rotary pairs half a head
    /// apart.
    /// </summary>
    HuggingFace,

    /// <summary>
    /// The layout of llama.cpp: all linear layers as [outputs, inputs], rotary pairs in neighbouring rows.
    /// </summary>
    Gguf,
}

/// <summary>A tensor of a model in a mapped file. Its rows can be read in either layout.</summary>
public sealed unsafe class ModelTensor
{
    private readonly byte* _data;
    private readonly TensorOrder _order;
    private readonly int _heads;

    /// <summary>Creates a tensor over mapped data.</summary>
    /// <param name="name">Hugging Face's name of the tensor.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">The dimensions in the file, rows first.</param>
    /// <param name="data">The mapped data.</param>
    /// <param name="layout">The layout of the file.</param>
    /// <param name="order">The difference between the two layouts of this tensor.</param>
    /// <param name="heads">Number of heads that the rows belong to, if they form rotary pairs.</param>
    internal ModelTensor(string name, WeightType type, IReadOnlyList<long> shape, byte* data, TensorLayout layout,
        TensorOrder order, int heads)
    {
        (Name, Type, FileShape, Layout, _order, _heads) = (name, type, shape, layout, order, heads);
        _data = data;
    }

    /// <summary>Hugging Face's name of the tensor.</summary>
    public string Name { get; }

    /// <summary>The type of the elements.</summary>
    public WeightType Type { get; }

    /// <summary>The layout in the file.</summary>
    public TensorLayout Layout { get; }

    /// <summary>The dimensions in the file, rows first.</summary>
    public IReadOnlyList<long> FileShape { get; }

    /// <summary>Number of elements.</summary>
    public long ElementCount => FileShape.Aggregate(1L, (product, dimension) => product * dimension);

    /// <summary>Whether the tensor is a vector or a scalar, such as a bias or the weights of a norm.</summary>
    public bool IsVector => FileShape.Count < 2;

    /// <summary>Returns the dimensions in a layout, rows first.</summary>
    public IReadOnlyList<long> Shape(TensorLayout layout) =>
        IsTransposed(layout) ? [.. FileShape.Reverse()] : FileShape;

    /// <summary>
    /// Returns whether the rows in a layout are also rows in the file, so that their bytes can be used directly.
    /// </summary>
    public bool HasRows(TensorLayout layout) => !IsTransposed(layout);

    /// <summary>
    /// Returns the bytes of a row in a layout without copying. Row 0 of a vector is the whole vector.
    /// </summary>
    /// <exception cref="InvalidOperationException">The rows of the layout are columns in the file.</exception>
    public ReadOnlySpan<byte> Row(TensorLayout layout, long row)
    {
        if (!HasRows(layout))
            throw new InvalidOperationException($"the file stores {Name} transposed");
        return FileRow(IsVector ? row : FileIndex(layout, row));
    }

    /// <summary>Reads rows in a layout as single precision.</summary>
    /// <param name="layout">The layout of the result.</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Filled with the rows; its length must be a multiple of a row's.</param>
    public void Read(TensorLayout layout, long first, Span<float> rows)
    {
        if (rows.IsEmpty)
            return;
        int width = FileShape.Count == 0 ? 1 : (int)Shape(layout)[^1], count = rows.Length / width;
        if (IsVector)
        {
            ReadVector(layout, rows);
        }
        else if (!IsTransposed(layout))
        {
            for (int row = 0; row < count; row++)
                WeightConversion.Decode(Type, FileRow(FileIndex(layout, first + row)), rows.Slice(row * width, width));
        }
        else
        {
            // The rows of the file are columns of the layout: each is read once and distributed over the rows.
            float[] column = new float[FileShape[^1]];
            for (int c = 0; c < width; c++)
            {
                WeightConversion.Decode(Type, FileRow(c), column);
                for (int row = 0; row < count; row++)
                    rows[row * width + c] = column[first + row];
            }
        }
    }

    /// <summary>Returns all elements in single precision, in row-major order of a layout.</summary>
    public float[] Read(TensorLayout layout)
    {
        float[] values = new float[ElementCount];
        Read(layout, 0, values);
        return values;
    }

    /// <summary>Checks that all elements are finite numbers.</summary>
    /// <param name="where">The file, for error messages.</param>
    /// <exception cref="AtelierException">An element is not a finite number.</exception>
    internal void CheckNumbers(string where)
    {
        long width = FileShape.Count == 0 ? 1 : FileShape[^1];
        for (long row = 0; width > 0 && row < ElementCount / width; row++)
        {
            if (!WeightConversion.AreFinite(Type, FileRow(row)))
                throw new AtelierException($"the tensor {Name} has a weight that is not a number",
                    where, "download the file again");
        }
    }

    /// <summary>
    /// Returns the matrix as [outputs, inputs] with the rows in the order of the file, or all queries before all keys
    /// and values. It shares the mapped memory, or is a copy if the file stores it in another order or in a type of
    /// files only.
    /// </summary>
    /// <param name="owner">The object that keeps the file mapped.</param>
    /// <exception cref="AtelierException">The tensor is not a matrix.</exception>
    public WeightMatrix ToMatrix(ModelWeights owner)
    {
        if (FileShape is not [> 0 and <= int.MaxValue and long rows, > 0 and <= int.MaxValue and long columns])
            throw new AtelierException($"the tensor {Name} is [{string.Join(", ", FileShape)}], but a matrix is "
                + "expected",
                owner.Path, "download or export the model again");
        if (IsTransposed(TensorLayout.Gguf))
            return WeightMatrix.From(Name, (int)columns, (int)rows, Read(TensorLayout.Gguf), Type);
        return LayoutInUse == Layout ? WeightMatrix.OfFile(Name, Type, (int)rows, (int)columns, _data, owner)
            : WeightMatrix.From(Name, (int)rows, (int)columns, Read(LayoutInUse), Type);
    }

    /// <summary>
    /// The layout in which the values are used: that of the file, except where only GGUF's serves a network directly.
    /// </summary>
    public TensorLayout LayoutInUse =>
        _order is TensorOrder.HeadsOfThree or TensorOrder.OneAdded ? TensorLayout.Gguf : Layout;

    /// <summary>Returns the tensor of one of several that a file has one after another.</summary>
    /// <param name="name">The name.</param>
    /// <param name="index">Which, from 0; the first dimension counts them.</param>
    internal ModelTensor Slice(string name, int index)
    {
        long[] shape = [.. FileShape.Skip(1)];
        long rows = shape.Length < 2 ? 1 : shape[..^1].Aggregate(1L, (product, size) => product * size);
        return new ModelTensor(name, Type, shape, _data + (index * rows * Type.RowBytes(shape[^1])), Layout, _order,
            _heads);
    }

    /// <summary>Returns the first rows of a matrix that has at least as many, in the order of all layouts.</summary>
    internal ModelTensor FirstRows(int count) => new(Name, Type, [count, .. FileShape.Skip(1)], _data, Layout,
        _order, _heads);

    private bool IsTransposed(TensorLayout layout) => layout != Layout && _order == TensorOrder.Transposed;

    /// <summary>Returns the index in the file of a row of the layout.</summary>
    private long FileIndex(TensorLayout layout, long row)
    {
        if (layout == Layout
            || _order is not (TensorOrder.QueryPairs or TensorOrder.KeyPairs or TensorOrder.HeadsOfThree))
            return row;
        long size = (IsVector ? FileShape[^1] : FileShape[0]) / _heads;
        if (_order == TensorOrder.HeadsOfThree)
        {
            // [heads, 3, size] in Hugging Face's layout, [3, heads, size] in GGUF's
            long one = size / 3, outer = layout == TensorLayout.HuggingFace ? 3 : _heads,
                number = row / one, other = layout == TensorLayout.HuggingFace ? _heads : 3;
            return (((number % outer * other) + (number / outer)) * one) + (row % one);
        }
        long within = row % size, head = row - within,
            half = size / 2;
        // Rotary pairs are the rows (i, i + half) in Hugging Face's layout and (2i, 2i + 1) in GGUF's.
        return head + (layout == TensorLayout.HuggingFace
            ? within < half ? 2 * within : 2 * (within - half) + 1
            : within % 2 == 0 ? within / 2 : half + within / 2);
    }

    private void ReadVector(TensorLayout layout, Span<float> values)
    {
        float[] file = new float[values.Length];
        WeightConversion.Decode(Type, FileRow(0), file);
        float added = layout == Layout || _order != TensorOrder.OneAdded ? 0
            : layout == TensorLayout.Gguf ? 1 : -1;
        for (int i = 0; i < values.Length; i++)
            values[i] = file[FileIndex(layout, i)] + added;
    }

    private ReadOnlySpan<byte> FileRow(long row)
    {
        long width = FileShape.Count == 0 ? 1 : FileShape[^1];
        int bytes = checked((int)Type.RowBytes(width));
        return new(_data + row * bytes, bytes);
    }
}
