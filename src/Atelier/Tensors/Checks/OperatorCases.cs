using Atelier.Networks;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tensors.Checks;

/// <summary>
/// The operators of the tensor library that models use, with sizes that are multiples of sixteen and sizes that are
/// not, because errors occur at the borders of vectors and blocks of sixteen elements.
/// </summary>
internal static class OperatorCases
{
    private const double Epsilon = 1e-5;

    /// <summary>All cases that are checked on each machine.</summary>
    public static IEnumerable<OperatorCase> All =>
    [
        Convolution(new(1, 32, Kernel: 3, Stride: 2, Padding: 1, 12, 12)),
        Convolution(new(3, 8, Kernel: 3, Stride: 1, Padding: 1, 9, 7)),
        Convolution(new(6, 16, Kernel: 5, Stride: 1, Padding: 0, 8, 8)),
        Convolution(new(16, 1, Kernel: 3, Stride: 1, Padding: 1, 7, 9)),
        Convolution(new(20, 33, Kernel: 1, Stride: 1, Padding: 0, 5, 6)),
        Convolution(new(12, 20, Kernel: 2, Stride: 1, Padding: 1, 5, 5, Batch: 3)),
        Convolution(new(48, 16, Kernel: 4, Stride: 2, Padding: 1, 6, 6)),
        Grouped(new(12, 18, Kernel: 3, Stride: 1, Padding: 1, 6, 6, Groups: 3)),
        Transposed(new(10, 6, Kernel: 4, Stride: 2, Padding: 1, 8, 10)),
        Transposed(new(36, 32, Kernel: 4, Stride: 2, Padding: 1, 6, 6)),
        SecondOrder(new(3, 9, Kernel: 3, Stride: 2, Padding: 1, 7, 7, Batch: 3)),
        Recurrent(CellName.Lstm, ComparedAnswers.WithGradients, inputs: 13, hidden: 21),
        Recurrent(CellName.Lstm, ComparedAnswers.WithGradients, inputs: 32, hidden: 48),
        Recurrent(CellName.Lstm, ComparedAnswers.WithoutGradients, inputs: 13, hidden: 21),
        Recurrent(CellName.Lstm, ComparedAnswers.WithoutGradients, inputs: 32, hidden: 48),
        Recurrent(CellName.Gru, ComparedAnswers.Both, inputs: 13, hidden: 21),
        Recurrent(CellName.Gru, ComparedAnswers.Both, inputs: 32, hidden: 16),
        Recurrent(CellName.Plain, ComparedAnswers.Both, inputs: 13, hidden: 21),
        Recurrent(CellName.Plain, ComparedAnswers.Both, inputs: 32, hidden: 16),
        Linear(rows: 9, inputs: 17, outputs: 35),
        Linear(rows: 32, inputs: 48, outputs: 64),
        Product(rows: 9, columns: 35, inner: 17),
        Product(rows: 32, columns: 64, inner: 48),
        BatchedProduct(batch: 3, rows: 9, columns: 19, inner: 17),
        BatchedProduct(batch: 2, rows: 16, columns: 32, inner: 48),
        Attention(sequences: 3, time: 11, size: 10),
        Attention(sequences: 2, time: 32, size: 16),
        LayerNorm(rows: 5, width: 37),
        LayerNorm(rows: 4, width: 64),
        RmsNorm(rows: 5, width: 37),
        RmsNorm(rows: 4, width: 64),
        GroupNorm(channels: 24, groups: 8, side: 5),
        GroupNorm(channels: 32, groups: 4, side: 4),
        Embedding(rows: 19, width: 13),
        Embedding(rows: 32, width: 48),
    ];

    /// <summary>A convolution, x * w + b.</summary>
    public static OperatorCase Convolution(ConvolutionShape shape) => Convolution(OperatorNames.Convolution, shape);

    /// <summary>A convolution over groups of channels.</summary>
    public static OperatorCase Grouped(ConvolutionShape shape) => Convolution("grouped convolution", shape);

    /// <summary>A transposed convolution, from the results of a convolution to its images.</summary>
    public static OperatorCase Transposed(ConvolutionShape shape)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(shape, shape.Covered());
        (int X, int W, int Y)[] terms = shape.Terms();
        return new OperatorCase("transposed convolution", $"{shape}", [shape.Answers, shape.Weight, [shape.Inputs]],
            (a, path) => Convolutions.Transpose(a[0], a[1], a[2], shape.Stride, shape.Padding, path),
            a => PlainLoops.Transpose(a[0], a[1], a[2], shape, terms)) { Detours = [OperatorPath.PaddedChannels] };
    }

    /// <summary>∂/∂x ½ |x * w + b|², whose gradients are second derivatives of a convolution.</summary>
    public static OperatorCase SecondOrder(ConvolutionShape shape)
    {
        (int X, int W, int Y)[] terms = shape.Terms();
        long[][] shapes = [shape.Pictures, shape.Weight, [shape.Outputs]];
        return new OperatorCase(OperatorNames.SecondOrder, $"{shape}", shapes, Library, Loop)
        {
            Detours = [OperatorPath.Unfolded], Compared = ComparedAnswers.WithGradients, Scale = 0.5,
        };

        Tensor Library(Tensor[] a, OperatorPath path)
        {
            Tensor y = Convolutions.Convolve(a[0], a[1], a[2], shape.Stride, shape.Padding, shape.Groups, path);
            return autograd.grad([y], [a[0]], [y], retain_graph: true, create_graph: true)[0];
        }

        double[] Loop(double[][] a)
        {
            double[] y = PlainLoops.Convolve(a[0], a[1], a[2], shape, terms);
            return PlainLoops.Transpose(y, a[1], new double[shape.Inputs], shape, terms);
        }
    }

    /// <summary>A recurrent layer.</summary>
    public static OperatorCase Recurrent(
        CellName cell, ComparedAnswers compared, int inputs, int hidden, int batch = 3, int time = 5)
    {
        long gates = cell switch { CellName.Lstm => 4, CellName.Gru => 3, _ => 1 };
        string name = (cell, compared) switch
        {
            (CellName.Lstm, ComparedAnswers.WithoutGradients) => OperatorNames.LstmWithoutGradients,
            (CellName.Lstm, _) => OperatorNames.Lstm,
            (CellName.Gru, _) => "GRU",
            _ => "recurrent layer",
        };
        long[] state = [1, batch, hidden], bias = [gates * hidden];
        // The matrix of a plain cell has a spectral radius of about scale · √(hidden / 3). Near 1 and above, each step
        // amplifies the roundings of those before it, and a right answer in bf16 may be far off; here it is 0.7.
        const double usualScale = 0.4;
        double unamplifiedScale = Math.Sqrt(1.5 / hidden);
        return new OperatorCase(name, $"{inputs} inputs, {hidden} wide, {batch} of {time} steps",
            [[batch, time, inputs], state, state, [gates * hidden, inputs], [gates * hidden, hidden], bias, bias],
            (a, path) => AtenOperators.Recur(cell, a[0], a[1], a[2], a[3..], path)[0],
            a => PlainLoops.Recur(cell, a[0], a[1], a[2], a[3..], batch, hidden))
        {
            Compared = compared, Scale = cell == CellName.Plain ? Math.Min(usualScale, unamplifiedScale) : usualScale,
            Detours = name switch
            {
                OperatorNames.LstmWithoutGradients => [OperatorPath.AsInTraining, OperatorPath.PaddedChannels],
                OperatorNames.Lstm => [OperatorPath.PaddedChannels],
                _ => [],
            },
        };
    }

    /// <summary>A linear layer, x Wᵀ + b.</summary>
    public static OperatorCase Linear(int rows, int inputs, int outputs) => new(
        "linear layer", $"{rows} × {inputs} × {outputs}", [[rows, inputs], [outputs, inputs], [outputs]],
        (a, _) => F.linear(a[0], a[1], a[2]),
        a => [.. PlainLoops.Multiply(a[0], a[1], 1, rows, outputs, inputs).Select((y, i) => y + a[2][i % outputs])]);

    /// <summary>A matrix product, A B.</summary>
    public static OperatorCase Product(int rows, int columns, int inner) => new(
        "matrix product", $"{rows} × {inner} × {columns}", [[rows, inner], [inner, columns]],
        (a, _) => a[0].mm(a[1]),
        a => PlainLoops.Multiply(a[0], PlainLoops.Exchange(a[1], inner, columns), 1, rows, columns, inner));

    /// <summary>A batch of matrix products, A B.</summary>
    public static OperatorCase BatchedProduct(int batch, int rows, int columns, int inner) => new(
        "batched matrix product", $"{batch} of {rows} × {inner} × {columns}",
        [[batch, rows, inner], [batch, inner, columns]],
        (a, _) => a[0].bmm(a[1]),
        a => PlainLoops.Multiply(a[0], PlainLoops.Exchange(a[1], inner, columns), batch, rows, columns, inner));

    /// <summary>Causal attention by the fused operator.</summary>
    public static OperatorCase Attention(int sequences, int time, int size)
    {
        long[] shape = [1, sequences, time, size];
        return new OperatorCase("attention", $"{sequences} of {time} × {size}", [shape, shape, shape],
            (a, _) => F.scaled_dot_product_attention(a[0], a[1], a[2], is_casual: true),
            a => PlainLoops.Attend(a[0], a[1], a[2], sequences, time, size));
    }

    /// <summary>Layer normalization.</summary>
    public static OperatorCase LayerNorm(int rows, int width) => new(
        "layer norm", $"{rows} × {width}", [[rows, width], [width], [width]],
        (a, _) => F.layer_norm(a[0], [width], a[1], a[2], Epsilon),
        a => PlainLoops.Normalize(a[0], a[1], a[2], width, 1, Epsilon));

    /// <summary>RMS normalization.</summary>
    public static OperatorCase RmsNorm(int rows, int width) => new(
        "RMS norm", $"{rows} × {width}", [[rows, width], [width]],
        (a, _) => AtenOperators.RmsNorm(a[0], a[1], Epsilon),
        a => PlainLoops.Normalize(a[0], a[1], [0], width, 1, Epsilon, centred: false));

    /// <summary>Group normalization of images.</summary>
    public static OperatorCase GroupNorm(int channels, int groups, int side) => new(
        "group norm", $"{channels} channels in {groups} groups, {side} × {side}",
        [[2, channels, side, side], [channels], [channels]],
        (a, _) => F.group_norm(a[0], groups, a[1], a[2], Epsilon),
        a => PlainLoops.Normalize(a[0], a[1], a[2], channels / groups * side * side, side * side, Epsilon));

    /// <summary>A look-up of rows of a table, some of which occur twice.</summary>
    public static OperatorCase Embedding(int rows, int width)
    {
        long[] chosen = [.. Enumerable.Range(0, rows).Select(i => (long)(i * i % rows))];
        return new OperatorCase("embedding", $"{rows} × {width}", [[rows, width]],
            (a, _) => a[0].index_select(0, tensor(chosen)),
            a => PlainLoops.Embed(a[0], chosen, width));
    }

    private static OperatorCase Convolution(string name, ConvolutionShape shape)
    {
        (int X, int W, int Y)[] terms = shape.Terms();
        return new OperatorCase(name, $"{shape}", [shape.Pictures, shape.Weight, [shape.Outputs]],
            (a, path) => Convolutions.Convolve(a[0], a[1], a[2], shape.Stride, shape.Padding, shape.Groups, path),
            a => PlainLoops.Convolve(a[0], a[1], a[2], shape, terms))
        {
            Detours = [OperatorPath.PaddedChannels, OperatorPath.Unfolded],
        };
    }
}
