using System.Runtime.InteropServices;
using Atelier.Formats;
using Atelier.Kernels;

namespace Atelier.Exchange;

/// <summary>
/// A graph of ONNX operators with its weights in single precision. Field numbers are those of onnx.proto; the data of
/// the weights is converted only when the file is written.
/// </summary>
internal sealed class OnnxGraph
{
    /// <summary>The version of the operators: the first with LayerNormalization.</summary>
    public const int OperatorSet = 17;

    private const int IrVersion = 8; // of the same release
    private const int FloatType = 1, IntegerType = 7;
    private const int NodeField = 1, NameField = 2, InitializerField = 5, InputField = 11, OutputField = 12;

    private readonly ProtobufMessage _graph = new();
    private readonly List<(ProtobufMessage Head, long DataLength, Action<Stream> Write)> _weights = [];
    private readonly HashSet<string> _constants = [];
    private int _nodes;

    /// <summary>Adds an operator.</summary>
    /// <param name="name">The operator's name.</param>
    /// <param name="inputs">The names of its inputs.</param>
    /// <param name="attributes">Its attributes: integers, lists of integers or numbers.</param>
    /// <returns>The name of its output.</returns>
    public string Node(string name, string[] inputs, params (string Name, object Value)[] attributes) =>
        NodeTo($"{name}_{_nodes}", name, inputs, attributes);

    /// <summary>Adds an operator whose output has a given name.</summary>
    /// <inheritdoc cref="Node"/>
    public string NodeTo(string output, string name, string[] inputs, params (string Name, object Value)[] attributes)
    {
        var node = new ProtobufMessage();
        foreach (string input in inputs)
            node.Add(1, input);
        node.Add(2, output).Add(3, $"node_{_nodes++}").Add(4, name);
        foreach ((string key, object value) in attributes)
        {
            var attribute = new ProtobufMessage().Add(1, key);
            if (value is float number)
                attribute.Add(2, number).Add(20, 1);
            else if (value is int integer)
                attribute.Add(3, integer).Add(20, 2);
            else
                ((int[])value).Aggregate(attribute, (all, item) => all.Add(8, item)).Add(20, 7);
            node.Add(5, attribute);
        }
        _graph.Add(NodeField, node);
        return output;
    }

    /// <summary>Adds a matrix, as [rows, columns] or transposed, and returns its name.</summary>
    public string Matrix(string name, WeightMatrix matrix, bool isTransposed = false)
    {
        long[] shape = isTransposed ? [matrix.Columns, matrix.Rows] : [matrix.Rows, matrix.Columns];
        return Weights(name, FloatType, shape, sizeof(float), stream =>
        {
            WeightMatrix rows = isTransposed ? matrix.Transpose() : matrix;
            float[] values = new float[rows.Columns];
            for (int row = 0; row < rows.Rows; row++)
            {
                rows.ReadRow(row, values);
                stream.Write(MemoryMarshal.AsBytes<float>(values));
            }
        });
    }

    /// <summary>Adds a vector and returns its name.</summary>
    public string Vector(string name, float[] values) => Weights(name, FloatType, [values.Length], sizeof(float),
        stream => stream.Write(MemoryMarshal.AsBytes<float>(values)));

    /// <summary>Returns the name of a number, which is added at its first use.</summary>
    public string Number(float value)
    {
        string name = FormattableString.Invariant($"number_{value:R}");
        return _constants.Add(name) ? Weights(name, FloatType, [], sizeof(float),
            stream => stream.Write(MemoryMarshal.AsBytes<float>([value]))) : name;
    }

    /// <summary>Returns the name of a list of integers, which is added at its first use.</summary>
    public string Integers(params long[] values)
    {
        string name = $"integers_{string.Join('_', values)}";
        return _constants.Add(name) ? Weights(name, IntegerType, [values.Length], sizeof(long),
            stream => stream.Write(MemoryMarshal.AsBytes<long>(values))) : name;
    }

    /// <summary>Declares an input of integers, with a name for each dimension.</summary>
    public string Input(string name, params string[] dimensions)
    {
        _graph.Add(InputField, Value(name, IntegerType, dimensions));
        return name;
    }

    /// <summary>Declares an output of numbers, with a name or a size for each dimension.</summary>
    public void Output(string name, params object[] dimensions) =>
        _graph.Add(OutputField, Value(name, FloatType, dimensions));

    /// <summary>Writes a file completely or not at all.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="name">The name of the graph.</param>
    /// <exception cref="AtelierException">The file would be larger than the format allows, or cannot be written.
    /// </exception>
    public void Write(string path, string name)
    {
        _graph.Add(NameField, name);
        long length = _graph.Length + _weights.Sum(weights => weights.Head.Length + weights.DataLength);
        if (length > int.MaxValue - (1 << 10))
            throw new AtelierException($"the weights take {length >> 20} MiB in single precision", path,
                "a file in Protocol Buffers' format ends at 2 GiB: export a smaller model");
        AtomicFile.Write(path, stream =>
        {
            new ProtobufMessage().Add(1, IrVersion).Add(2, "atelier")
                .Add(8, new ProtobufMessage().Add(1, "").Add(2, OperatorSet)).AddHead(7, length).WriteTo(stream);
            _graph.WriteTo(stream);
            foreach ((ProtobufMessage head, _, Action<Stream> write) in _weights)
            {
                head.WriteTo(stream);
                write(stream);
            }
        });
    }

    private string Weights(string name, int type, long[] shape, int size, Action<Stream> write)
    {
        long bytes = shape.Aggregate((long)size, (product, dimension) => product * dimension);
        ProtobufMessage tensor = shape.Aggregate(new ProtobufMessage(), (all, dimension) => all.Add(1, dimension))
            .Add(2, type).Add(8, name).AddHead(9, bytes);
        var head = new ProtobufMessage().AddHead(InitializerField, tensor.Length + bytes);
        _weights.Add((head.Append(tensor), bytes, write));
        return name;
    }

    private static ProtobufMessage Value(string name, int type, IEnumerable<object> dimensions)
    {
        var shape = new ProtobufMessage();
        foreach (object dimension in dimensions)
            shape.Add(1, dimension is int size ? new ProtobufMessage().Add(1, size)
                : new ProtobufMessage().Add(2, (string)dimension));
        return new ProtobufMessage().Add(1, name)
            .Add(2, new ProtobufMessage().Add(1, new ProtobufMessage().Add(1, type).Add(2, shape)));
    }
}
